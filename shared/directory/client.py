"""A client of crm's directory: pooled connections, a deadline per call, the trace passed on."""

import asyncio
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.directory.contract import LogInputs, Policy, PreparedMessage
from shared.http.problems import ProblemBody
from shared.telemetry.tracing import http_headers

_Model = TypeVar("_Model", bound=BaseModel)


class DirectorySettings(BaseSettings):
    """Where crm's internal API is and how a service proves itself there."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_DIRECTORY_")

    url: str = Field(default="http://127.0.0.1:8800", description="crm, from inside")
    token: SecretStr = Field(description="shared by crm and the services that may ask it")
    deadline_s: float = Field(default=0.8, description="the extension waits 1.5 s for a whole prepare")


class DirectoryUnavailable(RuntimeError):
    """No answer within the deadline, or none that makes sense."""


class DirectoryRefused(RuntimeError):
    """crm answered with a problem (4xx)."""

    def __init__(self, body: ProblemBody) -> None:
        super().__init__(body.type)
        self.body = body


class DirectoryClient:
    """Asks crm. `http` is owned by the caller."""

    def __init__(self, settings: DirectorySettings, http: httpx.AsyncClient) -> None:
        self._base = settings.url.rstrip("/") + "/internal/v1"
        self._deadline_s = settings.deadline_s
        self._headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._http = http

    async def prepare(self, message: PreparedMessage) -> Policy:
        """Decide and record. Raises DirectoryUnavailable, DirectoryRefused."""
        answer = await self._ask("POST", "/messages", content=message.model_dump_json())
        return _read(Policy, answer)

    async def log_inputs(self, account_id: UUID, message_id: UUID) -> LogInputs:
        """What the logging rules read. Raises DirectoryUnavailable, DirectoryRefused (404: unknown)."""
        path = f"/messages/{message_id}/log-inputs"
        return _read(LogInputs, await self._ask("GET", path, params={"account_id": str(account_id)}))

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = self._headers | http_headers() | {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(self._deadline_s):  # httpx's own timeout is per step, not per call
                answer = await self._http.request(
                    method, self._base + path, headers=headers, timeout=self._deadline_s, **request
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise DirectoryUnavailable(type(error).__name__) from None
        if answer.is_client_error:
            raise DirectoryRefused(_read(ProblemBody, answer))
        if not answer.is_success:
            raise DirectoryUnavailable(f"status {answer.status_code}")
        return answer


def _read(model: type[_Model], answer: httpx.Response) -> _Model:
    try:
        return model.model_validate_json(answer.content)
    except ValidationError:
        raise DirectoryUnavailable(f"an answer that is no {model.__name__}") from None
