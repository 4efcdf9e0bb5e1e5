"""The application without a database: its document, its limits."""

from collections.abc import AsyncIterator

import httpx

from services.crm.app import create_app
from shared.http.limits import MIB, BodyLimit, Receive, Scope, Send


async def _post(path: str, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(None))
    async with httpx.AsyncClient(transport=transport, base_url="http://crm") as http:
        return await http.post(path, content=content)


def test_the_document_needs_no_database() -> None:
    """Contracts are generated from it; what is internal is not in it."""
    document = create_app(None).openapi()
    assert "/v1/feed/{message_id}" in document["paths"]
    assert not [path for path in document["paths"] if path.startswith(("/internal", "/session"))]
    unsaid = [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if path.startswith("/v1") and "401" not in operation["responses"]
    ]
    assert unsaid == []


async def test_a_body_over_the_limit_is_413() -> None:
    """Announced or not, before anything reads it."""
    large = b"x" * (MIB + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, chunks()):
        answer = await _post("/oauth/token", content)
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:kaifu:problem:too-large"


async def test_a_body_within_the_limit_arrives_whole() -> None:
    """In chunks, too."""

    async def echo(_: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    transport = httpx.ASGITransport(BodyLimit(echo, lambda _: 7))
    async with httpx.AsyncClient(transport=transport, base_url="http://crm") as http:
        assert (await http.post("/", content=chunks())).content == b"one two"
        assert (await http.post("/", content=b"one two")).content == b"one two"
        assert (await http.post("/", content=b"one two!")).status_code == 413
