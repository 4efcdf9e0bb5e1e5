"""A client of crm's histories: patient, since nobody waits for a page of it as a rep does for a prepare."""

import asyncio
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shared.directory.client import DirectoryRefused, DirectorySettings, DirectoryUnavailable
from shared.directory.histories import HistoriesAsked, HistoryExtent, MessageHistory, PageEnd
from shared.http.problems import ProblemBody

_Model = TypeVar("_Model", bound=BaseModel)
_WITHIN_S = 60.0
_TRIES = 4
_PAUSE_S = 0.5


class HistoryClient:
    """Asks crm. `http` is owned by the caller."""

    def __init__(self, settings: DirectorySettings, http: httpx.AsyncClient) -> None:
        self._base = settings.url.rstrip("/") + "/internal/v1/histories"
        self._headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._http = http

    async def extent(self, asked: HistoriesAsked) -> HistoryExtent:
        """How much there is. Raises DirectoryUnavailable, DirectoryRefused."""
        return _read(HistoryExtent, await self._ask("/extent", _query(asked)))

    async def page(self, asked: HistoriesAsked, after: str | None) -> tuple[list[MessageHistory], PageEnd]:
        """The messages of a page, in the order of their places. Raises DirectoryUnavailable,
        DirectoryRefused."""
        query = _query(asked) | ({"after": after} if after else {})
        *lines, last = (await self._ask("", query)).splitlines() or [b""]
        return [_read(MessageHistory, line) for line in lines], _read(PageEnd, last)

    async def _ask(self, path: str, query: dict[str, str]) -> bytes:
        """Again after a pause, while crm is away for a moment."""
        for attempt in range(_TRIES):
            try:
                return await self._once(path, query)
            except DirectoryUnavailable:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(_PAUSE_S * 2**attempt)
        raise AssertionError("unreachable")

    async def _once(self, path: str, query: dict[str, str]) -> bytes:
        try:
            async with asyncio.timeout(_WITHIN_S):
                answer = await self._http.get(
                    self._base + path, params=query, headers=self._headers, timeout=_WITHIN_S
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise DirectoryUnavailable(type(error).__name__) from None
        if answer.is_client_error:
            raise DirectoryRefused(_read(ProblemBody, answer.content))
        if not answer.is_success:
            raise DirectoryUnavailable(f"status {answer.status_code}")
        return answer.content


def _query(asked: HistoriesAsked) -> dict[str, str]:
    return asked.model_dump(mode="json", exclude_none=True)


def _read(model: type[_Model], content: bytes) -> _Model:
    try:
        return model.model_validate_json(content)
    except ValidationError:
        raise DirectoryUnavailable(f"an answer that is no {model.__name__}") from None
