"""The directory client: a whole answer within the deadline, or a clear failure."""

import json
import time
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from shared.directory.client import (
    DirectoryClient,
    DirectoryRefused,
    DirectorySettings,
    DirectoryUnavailable,
)
from shared.directory.contract import Policy, PreparedMessage, Recipient, RecipientField
from shared.events.sends import Source
from tests.loopback import Answer, Asked, loopback, response

ID = UUID("0190f3c4-7c00-7000-8000-00000000000a")
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DEADLINE_S = 0.3
MESSAGE = PreparedMessage(
    message_id=ID,
    account_id=ID,
    user_id=ID,
    source=Source.GMAIL,
    from_address="rep@kaifu.example",
    subject="御見積",
    recipients=(Recipient(address="a@example.org", field=RecipientField.TO),),
    links=("https://kaifu.example/",),
    track=True,
    log=False,
    records=(),
    create_contacts=(),
    prepared_at=NOW,
    fingerprint="0" * 64,
)
POLICY = Policy(
    tracked=True,
    untracked_reason=None,
    logged=False,
    unlogged_reason="not_asked",
    anonymous=False,
    policy_version=4,
    prepared_at=NOW,
)


def _always(*parts: bytes | float) -> Answer:
    async def answer(_: Asked) -> list[bytes | float]:
        return list(parts)

    return answer


async def _prepare(address: str) -> Policy:
    settings = DirectorySettings(url=address, token=SecretStr("service-token"), deadline_s=DEADLINE_S)
    async with httpx.AsyncClient() as http:
        return await DirectoryClient(settings, http).prepare(MESSAGE)


async def test_the_question_and_its_answer() -> None:
    async with loopback(_always(*response(200, POLICY.model_dump_json().encode()))) as crm:
        assert await _prepare(crm.address + "/") == POLICY
    asked = crm.asked[0]
    assert asked.line == "POST /internal/v1/messages HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer service-token"
    assert PreparedMessage.model_validate_json(asked.body) == MESSAGE


@pytest.mark.parametrize(
    "parts",
    [
        (5.0,),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", *[b"x", 0.1] * 50),  # never long without a byte
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", 5.0),
    ],
    ids=["silence", "a byte now and then", "half an answer"],
)
async def test_the_deadline_is_that_of_the_whole_call(parts: tuple[bytes | float, ...]) -> None:
    async with loopback(_always(*parts)) as crm:
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            await _prepare(crm.address)
        assert time.monotonic() - began < DEADLINE_S * 3


@pytest.mark.parametrize(
    "parts",
    [
        response(200, b"<html>", "text/html"),
        response(200, b"{}"),
        response(200, POLICY.model_dump_json().replace('"tracked"', '"trackt"').encode()),
        response(204, b""),
        response(302, b""),
        response(500, b"{}"),
        response(503, b"{}"),
        response(403, b"<html>no problem body</html>"),
        [b"SSH-2.0-OpenSSH_9\r\n\r\n"],
        [b""],
    ],
    ids=[
        "html",
        "empty object",
        "another field",
        "no content",
        "redirect",
        "error",
        "unavailable",
        "proxy",
        "ssh",
        "end",
    ],
)
async def test_an_answer_that_makes_no_sense_is_no_answer(parts: list[bytes | float]) -> None:
    async with loopback(_always(*parts)) as crm:
        with pytest.raises(DirectoryUnavailable):
            await _prepare(crm.address)


async def test_a_refusal_is_passed_on_with_its_members() -> None:
    body = {
        "type": "urn:kaifu:problem:sender-not-ours",
        "title": "t",
        "status": 403,
        "detail": "d",
        "more": 1,
    }
    async with loopback(_always(*response(403, json.dumps(body).encode()))) as crm:
        with pytest.raises(DirectoryRefused) as caught:
            await _prepare(crm.address)
    assert caught.value.body.model_dump() == body


async def test_nobody_there() -> None:
    async with loopback(_always(b"")) as crm:
        address = crm.address
    with pytest.raises(DirectoryUnavailable):
        await _prepare(address)
