"""A small HTTP server on loopback whose answers a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_CRLF = b"\r\n"


@dataclass
class Asked:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """`answer` writes whatever it likes: a test may stall, drip or lie. `asked` are the requests so far."""

    address: str
    asked: list[Asked] = field(default_factory=list)


Answer = Callable[[Asked], Awaitable[list[bytes | float]]]


def response(status: int, body: bytes, media_type: str = "application/json") -> list[bytes | float]:
    """A whole answer. A number in such a list is a pause in seconds."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return [head.encode() + body]


@asynccontextmanager
async def loopback(answer: Answer) -> AsyncIterator[Loopback]:
    """The server, for as long as the block lasts."""
    answering: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(_serve(served, answer, reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1")
    served = Loopback(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield served
    finally:
        server.close()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)


async def _serve(
    served: Loopback, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while head := await _head(reader):
            line, *rest = head
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
            asked = Asked(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
            served.asked.append(asked)
            for part in await answer(asked):
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
    except ConnectionError:
        pass  # the client has had enough: what some tests are about
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader) -> list[str]:
    try:
        return (await reader.readuntil(_CRLF * 2)).decode("latin-1").split("\r\n")[:-2]
    except asyncio.IncompleteReadError:
        return []
