"""The tracking origin's HTTP/1.1 connections: llhttp on an asyncio protocol, nothing in between.

An ASGI server makes a task, a scope and several dictionaries per request; here a request is a method
call, and its answer goes when its record is durable, in the order of the requests. uvicorn still
owns the sockets, so that start and orderly end are those of every other listener.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import httptools
import structlog

from services.ingest.model import EVIDENCE_HEADERS, Durability, Record
from services.ingest.rules_address import ClientAddresses, PeerAddresses
from services.ingest.tracking import TrackingOrigin
from shared.telemetry.tracing import Begun

log = structlog.get_logger(__name__)

MAX_REQUEST = 64 * 1024  # bytes of one request, all told; a link address may be 6 KB
IDLE_S = 75  # between requests; also nginx's default
UNFINISHED_S = 20  # from the last whole request to the end of a half-sent one
_SWEEP_EVERY_S = 5.0

_WANTED = frozenset(
    name.encode() for name in (*EVIDENCE_HEADERS, "user-agent", "x-forwarded-for")
)  # "accept-language" is evidence, and picks the language of the 404 page
_HEADER_END = b"\r\n\r\n"
_CLOSE = b"\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 2\r\nconnection: close\r\n\r\n"
)

Submit = Callable[[Record, Callable[[Durability], None]], None]
Request = tuple[bytes, bytes, dict[bytes, bytes], bool]


class TrackingListener:
    """Makes the protocol of each connection, and closes those that idle."""

    def __init__(
        self, origin: TrackingOrigin, addresses: ClientAddresses, submit: Submit, *, max_connections: int
    ) -> None:
        self.origin = origin
        self.addresses = addresses
        self.submit = submit
        self.max_connections = max_connections
        self.connections: set[Connection] = set()
        self._turn: list[Connection] = []

    def protocol(self, *, server_state: Any, **_: Any) -> "Connection":
        """What uvicorn calls for each connection."""
        return Connection(self, server_state.connections)

    def turn_of(self, connection: "Connection") -> None:
        """Answer its request with those of the other connections that were read in the same turn of the loop:
        one after the other, and not between two system calls, they cost an eighth less."""
        if not self._turn:
            asyncio.get_running_loop().call_soon(self._take_turn)
        self._turn.append(connection)

    def _take_turn(self) -> None:
        turn, self._turn = self._turn, []
        for connection in turn:
            try:
                connection.go_on()
            except Exception:  # as the loop does for a protocol's own calls: this connection ends, no other
                log.exception("a request could not be answered")
                connection.abort()

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Close connections that idle or never finish their request, until `stopping`."""
        while not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), _SWEEP_EVERY_S)
            except TimeoutError:
                for connection in list(self.connections):
                    connection.grow_older(_SWEEP_EVERY_S)


class Connection(asyncio.Protocol):
    """One connection; requests are answered one after the other."""

    def __init__(self, listener: TrackingListener, servers_connections: "set[Any]") -> None:
        self._listener = listener
        self._receive = listener.origin.receive
        self._submit = listener.submit
        self._servers_connections = servers_connections
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._target = b""
        self._unfinished = 0
        self._age_s = 0.0
        self._queue: deque[Request] = deque()
        self._busy = False
        self._writable = True
        self._paused = False
        self._ending = False
        self._answer = b""
        self._trace: Begun | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._listener.connections) >= self._listener.max_connections:
            self._transport.write(_BUSY)
            self._transport.close()
            return
        peer = transport.get_extra_info("peername")
        self._peer: PeerAddresses = self._listener.addresses.of_peer(peer[0] if peer else None)
        self._listener.connections.add(self)
        self._servers_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; a hit on its way is recorded all the same."""
        self._ending = True
        self._queue.clear()
        self._listener.connections.discard(self)
        self._servers_connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Parse; the parser calls back."""
        if self._ending:
            return
        self._unfinished += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish_and_close()  # h2c or a WebSocket: answered as plain HTTP, and no more of it
        except httptools.HttpParserError:
            self._refuse(_MALFORMED)
        else:
            if self._unfinished > MAX_REQUEST:
                self._refuse(_TOO_LARGE)

    def eof_received(self) -> bool:
        """The client sends no more: close, but not before what is still owed (then True)."""
        self._ending = True
        return self._busy or bool(self._queue)

    def pause_writing(self) -> None:
        """The client doesn't read: answer no more requests for now."""
        self._writable = False

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable = True
        self.go_on()

    # httptools

    def on_url(self, url: bytes) -> None:
        """The target, or a part of it."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is evidence; join repeated ones."""
        name = name.lower()
        if name in _WANTED:
            known = self._headers.get(name)
            self._headers[name] = value if known is None else b"%b, %b" % (known, value)

    def on_message_complete(self) -> None:
        """The request is whole: answer it, or queue it behind an earlier one."""
        self._unfinished = 0
        self._age_s = 0.0
        target, headers, parser = self._target, self._headers, self._parser
        self._target, self._headers = b"", {}
        self._queue.append((parser.get_method(), target, headers, parser.should_keep_alive()))
        if self._busy or len(self._queue) > 1 or not self._writable:
            self._paused = True
            self._transport.pause_reading()
        else:
            self._listener.turn_of(self)

    # requests

    def _handle(self, method: bytes, target: bytes, headers: dict[bytes, bytes], keep: bool) -> None:
        answer, record, trace = self._receive(method, target, headers, self._peer)
        if not keep:
            answer = answer.replace(_HEADER_END, _CLOSE, 1)
            self._ending = True
        if record is None:
            self._write(answer)
            return
        self._busy = True
        self._answer, self._trace = answer, trace
        self._submit(record, self._recorded)

    def _recorded(self, _: Durability) -> None:
        """The hit is safe, or lost and counted: the reader gets the answer either way."""
        self._busy = False
        if self._trace is not None:
            self._trace.span.end()
            self._trace = None
        self._write(self._answer)
        if self._queue:
            self.go_on()

    def _write(self, answer: bytes) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        transport.write(answer)
        if self._ending and not self._queue:
            transport.close()

    def go_on(self) -> None:
        """Answer what has queued up, then read on."""
        while self._queue and self._writable and not self._busy:
            self._handle(*self._queue.popleft())
        if self._paused and not self._queue and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def _refuse(self, answer: bytes) -> None:
        """The stream can't be read on; earlier requests are still answered first."""
        if not self._busy and not self._queue and not self._transport.is_closing():
            self._transport.write(answer)
        self._finish_and_close()

    def _finish_and_close(self) -> None:
        self._ending = True
        if not self._busy and not self._queue:
            self._transport.close()

    # the server

    def shutdown(self) -> None:
        """The process ends (called by uvicorn): answer what is whole, then close."""
        self._finish_and_close()

    def abort(self) -> None:
        """End it at once, unanswered."""
        self._transport.abort()

    def grow_older(self, seconds: float) -> None:
        """Close when idle, half-sent or unread for too long."""
        self._age_s += seconds
        if self._busy or self._age_s < (UNFINISHED_S if self._unfinished else IDLE_S):
            return
        if self._writable and not self._transport.is_closing():
            self._transport.close()
        else:
            self._transport.abort()
