"""The tracking origin's connections, on real sockets: order, limits, keep-alive, an orderly end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.ingest.adapters import http
from services.ingest.adapters.http import MAX_REQUEST, TrackingListener
from services.ingest.model import Door, Durability, Record
from services.ingest.revoked import Revoked
from services.ingest.rules_address import ClientAddresses
from services.ingest.tracking import GIF, TrackingOrigin
from shared.events.codec import decode
from shared.http.server import QuietServer, quiet_server
from shared.tokens.tracking import LinkToken, PixelToken, seal_link, seal_pixel
from tests.unit.ingest.builders import ACCOUNT, MESSAGE, PLENTY, ring

Done = Callable[[Durability], None]


@dataclass
class Held:
    """Keeps records until a test lets them be durable; `at_once` does so itself, `fails_at` raises."""

    at_once: bool = False
    fails_at: Door | None = None
    waiting: list[tuple[Record, Done]] = field(default_factory=list)
    recorded: list[Record] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def submit(self, record: Record, done: Done) -> None:
        if record.door is self.fails_at:
            raise RuntimeError("planted")
        self.recorded.append(record)
        self.arrived.set()
        if self.at_once:
            asyncio.get_running_loop().call_soon(done, Durability.BROKER)
        else:
            self.waiting.append((record, done))

    def release(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, done in waiting:
            done(Durability.BROKER)


@dataclass
class Listening:
    """The origin on a free port."""

    port: int
    held: Held
    listener: TrackingListener
    server: QuietServer
    pixel: bytes
    link: bytes

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def _listening(folder: Path, held: Held, max_connections: int = 100) -> AsyncIterator[Listening]:
    keys = ring(folder)
    pixel = f"/o/{seal_pixel(keys, PixelToken(ACCOUNT, MESSAGE))}.gif".encode()
    link = f"/c/{seal_link(keys, LinkToken(ACCOUNT, MESSAGE, None, 0, b'https://example.com/?a=1'))}".encode()
    origin = TrackingOrigin(keys, Revoked(), PLENTY, begin=lambda _: None)
    listener = TrackingListener(
        origin, ClientAddresses(direct=True), held.submit, max_connections=max_connections
    )
    server = quiet_server(listener, "127.0.0.1", 0, http=listener.protocol, interface="asgi3", ws="none")
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Listening(port, held, listener, server, pixel, link)
    finally:
        held.release()
        server.should_exit = True
        for connection in list(listener.connections):
            connection.shutdown()
        await asyncio.wait_for(serving, 10)


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Listening]:
    async with _listening(tmp_path, Held()) as listening:
        yield listening


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Listening]:
    async with _listening(tmp_path, Held(at_once=True)) as listening:
        yield listening


async def _answer(reader: asyncio.StreamReader, *, body: bool = True) -> tuple[bytes, bytes]:
    """Status and headers, and the body as content-length says."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length) if body else b""


def _request(target: bytes, *lines: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method, target), b"Host: t", *lines, b"", b""])


@pytest.mark.requirement("T2", "T9")
async def test_not_a_byte_is_sent_before_the_hit_is_durable(origin: Listening) -> None:
    reader, writer = await origin.connect()
    writer.write(_request(origin.pixel, b"User-Agent: A", b"user-agent: B", b"Cookie: c"))
    await origin.held.arrived.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    origin.held.release()
    head, body = await _answer(reader)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == GIF
    event = decode("email.hits", origin.held.recorded[0].value)
    assert event.model_dump()["user_agent"] == "A, B"
    assert event.model_dump()["client_address"] == "127.0.0.1"
    writer.close()


async def test_a_lost_hit_is_served_all_the_same(origin: Listening) -> None:
    reader, writer = await origin.connect()
    writer.write(_request(origin.link))
    await origin.held.arrived.wait()
    origin.held.waiting.pop()[1](Durability.LOST)
    head, _ = await _answer(reader)
    assert b"location: https://example.com/?a=1\r\n" in head
    writer.close()


async def test_pipelined_requests_are_answered_in_their_order(quick: Listening) -> None:
    reader, writer = await quick.connect()
    writer.write((_request(quick.pixel) + _request(quick.link) + _request(b"/nothing")) * 300)
    for _ in range(300):
        assert (await _answer(reader))[1] == GIF
        assert (await _answer(reader))[0].startswith(b"HTTP/1.1 302 ")
        assert (await _answer(reader))[0].startswith(b"HTTP/1.1 404 ")
    assert len(quick.held.recorded) == 600
    writer.write(_request(quick.pixel))  # and the connection reads on
    assert (await _answer(reader))[1] == GIF
    writer.close()


async def test_a_request_in_pieces_is_one_request(quick: Listening) -> None:
    reader, writer = await quick.connect()
    request = _request(quick.pixel, b"User-Agent: Mozilla/5.0 (pieces)")
    for at in range(0, len(request), 7):
        writer.write(request[at : at + 7])
        await writer.drain()
        await asyncio.sleep(0)
    assert (await _answer(reader))[1] == GIF
    assert (
        decode("email.hits", quick.held.recorded[0].value).model_dump()["user_agent"]
        == "Mozilla/5.0 (pieces)"
    )
    writer.close()


async def test_head_gets_the_headers_of_get_and_is_recorded_as_head(quick: Listening) -> None:
    reader, writer = await quick.connect()
    writer.write(_request(quick.pixel, method=b"HEAD") + _request(quick.pixel))
    first, _ = await _answer(reader, body=False)
    second, body = await _answer(reader)
    assert first == second
    assert body == GIF
    methods = [decode("email.hits", one.value).model_dump()["method"] for one in quick.held.recorded]
    assert methods == ["HEAD", "GET"]
    writer.close()


@pytest.mark.parametrize(
    "request_line", [b"GET %b HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", b"GET %b HTTP/1.0\r\n\r\n"]
)
async def test_a_client_that_wants_no_more_is_answered_and_closed(
    quick: Listening, request_line: bytes
) -> None:
    reader, writer = await quick.connect()
    writer.write(request_line % quick.pixel)
    head, body = await _answer(reader)
    assert b"\r\nconnection: close\r\n" in head
    assert body == GIF
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_half_closed_client_still_gets_its_answer(origin: Listening) -> None:
    reader, writer = await origin.connect()
    writer.write(_request(origin.pixel))
    writer.write_eof()
    await origin.held.arrived.wait()
    await asyncio.sleep(0.02)
    origin.held.release()
    assert (await _answer(reader))[1] == GIF
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_hit_of_a_client_that_went_away_is_still_recorded(origin: Listening) -> None:
    _, writer = await origin.connect()
    writer.write(_request(origin.pixel))
    await origin.held.arrived.wait()
    writer.transport.abort()
    await asyncio.sleep(0.02)
    origin.held.release()  # must not raise
    assert len(origin.held.recorded) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),  # TLS to the wrong port
        (b"GET /o/x.gif HTTP/1.1\r\nHost: t\r\nA: " + b"a" * MAX_REQUEST, b"431"),
        (b"GET /o/" + b"a" * MAX_REQUEST, b"431"),
    ],
)
async def test_what_is_no_request_is_refused_and_closed(quick: Listening, sent: bytes, status: bytes) -> None:
    reader, writer = await quick.connect()
    writer.write(sent)
    head, _ = await _answer(reader)
    assert head.split(b" ")[1] == status
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert not quick.held.recorded
    writer.close()


async def test_garbage_behind_a_request_does_not_cost_it_its_answer(origin: Listening) -> None:
    reader, writer = await origin.connect()
    writer.write(_request(origin.pixel) + b"NONSENSE\r\n\r\n")
    await origin.held.arrived.wait()
    origin.held.release()
    assert (await _answer(reader))[1] == GIF
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_body_is_read_over_and_an_upgrade_is_not_followed(quick: Listening) -> None:
    reader, writer = await quick.connect()
    writer.write(_request(quick.pixel, b"Content-Length: 5") + b"hello" + _request(quick.pixel))
    assert (await _answer(reader))[1] == GIF
    assert (await _answer(reader))[1] == GIF
    writer.write(_request(quick.pixel, b"Connection: Upgrade", b"Upgrade: websocket"))
    assert (await _answer(reader))[1] == GIF
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_the_end_answers_what_is_on_its_way_and_closes_the_idle(origin: Listening) -> None:
    idle_reader, idle_writer = await origin.connect()
    reader, writer = await origin.connect()
    writer.write(_request(origin.pixel) + _request(origin.link))
    await origin.held.arrived.wait()
    origin.server.should_exit = True
    assert await asyncio.wait_for(idle_reader.read(), 5) == b""
    origin.held.release()
    assert (await _answer(reader))[1] == GIF
    origin.held.at_once = True
    origin.held.release()
    assert (await _answer(reader))[0].startswith(b"HTTP/1.1 302 ")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    for one in (idle_writer, writer):
        one.close()


async def test_idle_and_half_sent_connections_are_closed_in_time(quick: Listening) -> None:
    idle_reader, idle_writer = await quick.connect()
    slow_reader, slow_writer = await quick.connect()
    slow_writer.write(b"GET /o/")
    while not any(connection._unfinished for connection in quick.listener.connections):
        await asyncio.sleep(0.005)
    for connection in list(quick.listener.connections):
        connection.grow_older(http.UNFINISHED_S)
    assert await asyncio.wait_for(slow_reader.read(), 5) == b""
    for connection in list(quick.listener.connections):
        connection.grow_older(http.IDLE_S)
    assert await asyncio.wait_for(idle_reader.read(), 5) == b""
    idle_writer.close()
    slow_writer.close()


async def test_a_request_that_fails_ends_its_own_connection_and_no_other(tmp_path: Path) -> None:
    held = Held(at_once=True, fails_at=Door.LINK)
    async with _listening(tmp_path, held) as listening:
        (failing, write_first), (answered, write_second) = [await listening.connect() for _ in range(2)]
        async with asyncio.timeout(5):
            while len(listening.listener.connections) < 2:
                await asyncio.sleep(0)
        write_first.write(_request(listening.link))
        write_second.write(_request(listening.pixel))  # both are there when the loop looks: one turn
        assert (await _answer(answered))[1] == GIF
        assert await asyncio.wait_for(failing.read(1), 5) == b""
        for writer in (write_first, write_second):
            writer.close()


async def test_too_many_connections_are_told_so(tmp_path: Path) -> None:
    async with _listening(tmp_path, Held(at_once=True), max_connections=1) as listening:
        first_reader, first = await listening.connect()
        first.write(_request(listening.pixel))
        await _answer(first_reader)
        reader, writer = await listening.connect()
        assert (await _answer(reader))[0].startswith(b"HTTP/1.1 503 ")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        first.close()
        writer.close()


async def test_a_client_that_does_not_read_is_not_answered_without_end(quick: Listening) -> None:
    _, writer = await quick.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    flood = _request(quick.pixel) * 100
    for _ in range(400):
        writer.write(flood)
        await asyncio.sleep(0)
    before = -1
    while before != len(quick.held.recorded):
        before = len(quick.held.recorded)
        await asyncio.sleep(0.05)
    assert before < 40_000, "requests wait until their client reads"
    writer.transport.abort()
