"""HTTP/1.1 over one kept connection, as cheap as a load generator needs it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_AGAIN_AFTER_S = 0.05
_END = b"\r\n\r\n"


class NoAnswer(ConnectionError):
    """The connection broke or nothing came in time: the request may or may not have had its effect."""


class Answer(NamedTuple):
    """Status, header fields in lower case, body."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Wire:
    """One connection to a port of loopback, made anew when it broke. One request at a time."""

    def __init__(self, port: int, within_s: float = 10.0) -> None:
        self._port = port
        self._within_s = within_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connect(self) -> None:
        """Wait until somebody listens, unless it is connected. Nothing is sent."""
        self._forget_closed()
        while self._streams is None:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_AGAIN_AFTER_S)

    async def get(self, path: str, **headers: str) -> Answer:
        """Raises NoAnswer."""
        return await self._ask(_head("GET", path, headers) + _END)

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        """A JSON body. Raises NoAnswer."""
        content = json.dumps(body).encode()
        about = {**headers, "content_type": "application/json", "content_length": str(len(content))}
        return await self._ask(_head("POST", path, about) + _END + content)

    def close(self) -> None:
        """The next request connects anew."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    def _forget_closed(self) -> None:
        """As every client does that keeps connections: the server may close one between two requests."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()

    async def _ask(self, request: bytes) -> Answer:
        try:
            self._forget_closed()
            async with asyncio.timeout(self._within_s):
                streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams = streams
                writer.write(request)
                answer = await _read(reader)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from error
        if answer.headers.get(b"connection") == b"close":
            self.close()
        return answer


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(_END)
    status, *lines = head[:-4].split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return Answer(int(status.split(b" ", 2)[1]), headers, body)
