"""crm's answers, in the words of a consumer."""

from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from services.logger.adapters.directory import LogDirectory
from shared.bus.consumer import RetryLater
from shared.bus.dead_letters import InvalidMessage
from shared.directory.client import DirectoryClient, DirectorySettings


async def answered(status: int, body: str = "") -> None:
    """Ask a crm that answers so."""

    def handle(_: httpx.Request) -> httpx.Response:
        if status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, text=body)

    settings = DirectorySettings(url="http://crm.test", token=SecretStr("t"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        await LogDirectory(DirectoryClient(settings, http)).log_inputs(uuid4(), uuid4())


def problem(status: int) -> str:
    return f'{{"type":"urn:kaifu:problem:x","title":"t","status":{status},"detail":"d"}}'


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "unknown-message"), (422, "directory-refused"), (400, "directory-refused")]
)
async def test_what_the_message_is_to_blame_for_sets_it_aside(status: int, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        await answered(status, problem(status))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (0, ""),
        (500, ""),
        (503, problem(503)),
        (401, problem(401)),
        (403, problem(403)),
        (404, "<html>"),
        (200, "{}"),
    ],
)
async def test_anything_else_is_asked_again(status: int, body: str) -> None:
    with pytest.raises(RetryLater):
        await answered(status, body)
