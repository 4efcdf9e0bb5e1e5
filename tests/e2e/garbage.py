"""A server in Kaifu's place that answers what no server of Kaifu's answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nConnection: close\r\n"
_PREPARED = (
    b'{"message_id":"%b","receipt":"r","tracked":true,"untracked_reason":null,"logged":false,'
    b'"unlogged_reason":null,"pixel_url":"%b","links":[]}'
)
_ID = b"018f3c1e-0000-7000-8000-000000000001"
ANSWERS = {
    "a proxy's page": b"<!doctype html><h1>Welcome to the guest network</h1>",
    "half of an answer": (_PREPARED % (_ID, b"https://t.example/o/x.gif"))[:60],
    "a pixel that is a script": _PREPARED % (_ID, b"javascript:alert(1)"),
    "an id that is a path": _PREPARED % (b"../../v1/me", b"https://t.example/o/x.gif"),
    "binary": bytes(range(256)) * 8,
}
DRIPS = "one byte after the other, for ever"


@asynccontextmanager
async def answering(kind: str) -> AsyncIterator[str]:
    """Serve it on a free loopback port while the block runs; yields the address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if kind == DRIPS:
                writer.write(_HEAD + b"\r\n")
                while not reader.at_eof():
                    writer.write(b" ")
                    await writer.drain()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(4096), 0.1)
            else:
                body = ANSWERS[kind]
                writer.write(_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
