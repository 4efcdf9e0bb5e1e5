"""A listener's bounds, against the real server: how many connections, how large a head, how slow a client."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import REGISTRY

from shared.http import connections
from shared.http.connections import MAX_HEAD, MOST_PIPELINED, Connections
from shared.http.limits import BodyLimit, Receive, Scope, Send
from shared.http.server import quiet_server

GET = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Listening:
    """A server whose answers wait for `go_on`."""

    connections: Connections
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0
    begun: int = 0
    size: int = 2

    async def app(self, _: Scope, receive: Receive, send: Send) -> None:
        """Reads the body, waits, answers."""
        self.begun += 1
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        await self.go_on.wait()
        length = str(self.size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b"x" * self.size})

    async def connect(self) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        return reader, writer

    async def says(self, *parts: bytes) -> Streams:
        """A client that sends this and then nothing."""
        streams = await self.connect()
        streams[1].writelines(parts)
        return streams


@asynccontextmanager
async def listening(most: int = 20) -> AsyncIterator[Listening]:
    place = Listening(Connections(most))
    server = quiet_server(
        place.app, "127.0.0.1", 0, http=place.connections.protocol, interface="asgi3", ws="none"
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    place.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        place.go_on.set()
        server.should_exit = True
        for connection in list(place.connections.open):
            connection.transport.abort()
        for client in place.clients:
            client.transport.abort()
        await asyncio.wait_for(serving, 15)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become hundredths."""
    for name in ("HEAD_S", "BODY_S", "UNREAD_S", "_SWEEP_EVERY_S"):
        monkeypatch.setattr(connections, name, getattr(connections, name) / 100)


async def _rest(streams: Streams) -> bytes:
    """All that comes until the server closes."""
    try:
        return await asyncio.wait_for(streams[0].read(), 10)
    except ConnectionResetError:
        return b""


def _closed(reason: str) -> float:
    return REGISTRY.get_sample_value("kaifu_connections_closed_total", {"reason": reason}) or 0.0


async def test_one_connection_too_many_is_told_to_come_again_and_one_that_goes_makes_room() -> None:
    async with listening(most=3) as place:
        place.go_on.set()
        silent = [await place.connect() for _ in range(3)]
        before = _closed("too_many")
        refused = await _rest(await place.connect())
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 2" in refused
        assert _closed("too_many") == before + 1
        silent[0][1].close()
        async with asyncio.timeout(5):
            while len(place.connections.open) == 3:
                await asyncio.sleep(0.01)
        reader, _ = await place.says(GET)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: t\r\nX-More:",
        b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nonly so much",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_request_that_does_not_come_to_its_end_is_ended(quickly: None, begin: bytes) -> None:
    async with listening() as place:
        before = _closed("too_slow")
        streams = await place.says(begin)
        assert await _rest(streams) == b""
        assert _closed("too_slow") == before + 1
        assert not place.connections.open


async def test_a_drop_now_and_then_buys_no_time_for_a_head(quickly: None) -> None:
    async with listening() as place:
        reader, writer = await place.says(b"GET / HTTP/1.1\r\n")
        ended = asyncio.create_task(_rest((reader, writer)))
        async with asyncio.timeout(10):
            while not ended.done():
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.02)


async def test_who_waits_for_us_is_not_ended_and_a_body_that_comes_gets_its_time(
    quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BODY_RATE", 10)
    async with listening() as place:
        post = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 60\r\n\r\n"
        waits, (slow, writer) = await place.says(GET), await place.says(post)
        for _ in range(60):  # far longer than a body of nothing may take
            writer.write(b"x")
            await asyncio.sleep(0.01)
        place.go_on.set()
        for reader in (waits[0], slow):
            assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")


async def test_an_answer_that_nobody_reads_is_given_up(quickly: None) -> None:
    async with listening() as place:
        place.size = 64 << 20
        place.go_on.set()
        before = _closed("unread")
        await place.says(GET)
        async with asyncio.timeout(10):
            while _closed("unread") == before:
                await asyncio.sleep(0.01)


async def test_a_head_without_end_is_refused() -> None:
    async with listening() as place:
        streams = await place.connect()
        streams[1].write(b"GET / HTTP/1.1\r\nHost: t\r\nX-More: ")
        ended = asyncio.create_task(_rest(streams))
        sent = 0
        while not ended.done() and sent < 100 * MAX_HEAD:
            streams[1].write(b"x" * 16_384)
            sent += 16_384
            await asyncio.sleep(0.001)
        await ended
        assert sent < 10 * MAX_HEAD + 1_000_000  # what was under way when it was refused


async def test_requests_are_not_queued_without_end() -> None:
    async with listening() as place:
        before = _closed("pipelined")
        await _rest(await place.says(GET * (MOST_PIPELINED + 50)))
        assert _closed("pipelined") == before + 1
        assert place.begun == 1


async def test_bodies_share_a_bound_and_give_it_back() -> None:
    """Two of six bytes fit into twelve; a third is told to come again until one is done."""
    gate, statuses = asyncio.Event(), []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limited = BodyLimit(app, lambda _: 10, in_memory=12)

    async def post() -> None:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"123456", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append((message["status"], dict(message["headers"]).get(b"retry-after")))

        await limited({"type": "http", "path": "/", "headers": []}, receive, send)

    two = [asyncio.create_task(post()) for _ in range(2)]
    await asyncio.sleep(0)
    await post()
    assert statuses == [(503, b"2")]
    gate.set()
    await asyncio.gather(*two)
    await post()
    assert [status for status, _ in statuses] == [503, 200, 200, 200]
