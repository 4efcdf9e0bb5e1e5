"""Bounds of every uvicorn listener: open connections, the size of a request's head, slow clients.

uvicorn itself waits for a request for ever, takes a head of any size and queues any number of pipelined
requests. The times are the defaults of Apache's mod_reqtimeout: 20 s for a head; for a body 20 s and one
more for every 500 bytes that have come.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.telemetry.names import CONNECTIONS_CLOSED

MAX_HEAD = 64 * 1024
MOST_PIPELINED = 16
HEAD_S = 20.0
BODY_S = 20.0
BODY_RATE = 500  # bytes a second
UNREAD_S = 120.0  # an answer of which nothing is read
_SWEEP_EVERY_S = 5.0
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 2\r\nconnection: close\r\n\r\n"
)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class TooManyPipelined(RuntimeError):
    """A client that sends on and on without waiting for an answer."""


class Connections:
    """The connections of one listener, at most `most`; beyond it a client is told to come again."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open: set[BoundedConnection] = set()
        self._sweeping = False

    def protocol(self, **of_uvicorn: Any) -> "BoundedConnection":
        """What uvicorn calls for each connection."""
        return BoundedConnection(self, **of_uvicorn)

    def add(self, connection: "BoundedConnection") -> bool:
        """Whether there was room."""
        if len(self.open) >= self.most:
            CONNECTIONS_CLOSED.labels("too_many").inc()
            return False
        self.open.add(connection)
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_EVERY_S, self._sweep)
        return True

    def _sweep(self) -> None:
        for connection in list(self.open):
            connection.grow_older(_SWEEP_EVERY_S)
        self._sweeping = bool(self.open)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_EVERY_S, self._sweep)


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's, with an end to what it waits for."""

    def __init__(self, all_of_them: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._all = all_of_them
        self._in_head = True
        self._bytes = 0  # of the head, or the body, that is coming
        self._coming_s = 0.0
        self._unread_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register, unless there are too many."""
        if not self._all.add(self):
            transport.write(_BUSY)
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self in self._all.open:
            self._all.open.discard(self)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count, and refuse a head without end."""
        if self not in self._all.open:
            return
        self._bytes += len(data)
        super().data_received(data)
        if self._in_head and self._bytes > MAX_HEAD and not self.transport.is_closing():
            CONNECTIONS_CLOSED.labels("head_too_large").inc()
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is whole. Raises TooManyPipelined, which uvicorn answers with 400."""
        if len(self.pipeline) >= MOST_PIPELINED:
            CONNECTIONS_CLOSED.labels("pipelined").inc()
            raise TooManyPipelined
        self._turn_to(head=False)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._turn_to(head=True)
        super().on_message_complete()

    def _turn_to(self, *, head: bool) -> None:
        self._in_head = head
        self._bytes = 0
        self._coming_s = 0.0

    def grow_older(self, seconds: float) -> None:
        """End it when its client takes too long to send, or to read."""
        if self.flow.write_paused:
            self._unread_s += seconds
            if self._unread_s > UNREAD_S:
                self._end("unread")
            return
        self._unread_s = 0.0
        if self.flow.read_paused or self._is_answering():
            return  # it waits for us
        self._coming_s += seconds
        if self._coming_s > (HEAD_S if self._in_head else BODY_S + self._bytes / BODY_RATE):
            self._end("too_slow")

    def _is_answering(self) -> bool:
        return self._in_head and self.cycle is not None and not self.cycle.response_complete

    def _end(self, why: str) -> None:
        CONNECTIONS_CLOSED.labels(why).inc()
        self.transport.abort()
