"""Mail readers that fetch pixels, so light that the machine's cores are left to the servers."""

import asyncio
import re
from collections import deque
from typing import Self, cast
from urllib.parse import urlsplit

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class BadAnswer(RuntimeError):
    """The server answered something else than 200."""


class _Connection(asyncio.Protocol):
    """One kept connection, for one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[None] | None = None
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._answer is None or not is_whole(self._received):
            return
        status, self._received = self._received[9:12], b""
        if status == b"200":
            self._answer.set_result(None)
        else:
            self._answer.set_exception(BadAnswer(f"the server answered {status.decode('latin-1')}"))

    async def ask(self, request: bytes) -> None:
        """Raises BadAnswer, OSError."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Now."""
        self._transport.abort()


def is_whole(answer: bytes) -> bool:
    """Whether the answer is there with all of its body. ValueError if it does not say how long that is."""
    head, end, body = answer.partition(_HEAD_ENDS)
    if not end:
        return False
    length = _LENGTH.search(head + b"\r\n")
    if length is None:
        raise ValueError("an answer without Content-Length")
    return len(body) >= int(length[1])


class Readers:
    """`async with Readers(origin, headers, connections) as readers: await readers.get(url)`."""

    def __init__(self, origin: str, headers: dict[str, str], connections: int) -> None:
        where = urlsplit(origin)
        self._host, self._port = where.hostname or "", where.port or 80
        self._end = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._connections = connections
        self._idle: deque[_Connection] = deque()

    async def __aenter__(self) -> Self:
        for _ in range(self._connections):
            self._idle.append(await self._new())
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()

    async def get(self, url: str, address: str | None = None) -> None:
        """Fetch it over a kept connection, a new one if all are busy. Raises BadAnswer, OSError.

        `address`: the reader's, as a proxy in front of the server would name it.
        """
        path = urlsplit(url).path
        end = self._end if address is None else f"{self._end}X-Forwarded-For: {address}\r\n"
        request = f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{end}\r\n"
        connection = self._idle.popleft() if self._idle else await self._new()
        try:
            await connection.ask(request.encode())
        finally:
            self._idle.append(connection)

    async def _new(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, self._host, self._port
        )
        return connection
