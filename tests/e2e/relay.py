"""A relay in front of the notifier: how often a browser connected, and whether it still sends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_TEXT_FRAME = 0x81  # final, text (RFC 6455, 5.2); pongs of the browser's network stack begin otherwise


class Relay:
    """What passed it."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}"
        self.connections = 0
        self.ended = 0
        self.messages = 0
        self._changed = asyncio.Condition()

    async def until(self, done: Callable[["Relay"], bool], within_s: float) -> None:
        """Wait for it. TimeoutError."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: done(self))

    async def count(self, *, connections: int = 0, ended: int = 0, messages: int = 0) -> None:
        """So many more."""
        async with self._changed:
            self.connections += connections
            self.ended += ended
            self.messages += messages
            self._changed.notify_all()


@asynccontextmanager
async def relaying(push_url: str) -> AsyncIterator[Relay]:
    """Relay to there while the block runs."""
    there = urlsplit(push_url)
    pipes: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await relay.count(connections=1)
        far_reader, far_writer = await asyncio.open_connection(there.hostname, there.port)

        async def onward() -> None:
            while data := await reader.read(65536):
                far_writer.write(data)
                await relay.count(messages=int(data[0] == _TEXT_FRAME))

        async def back() -> None:
            while data := await far_reader.read(65536):
                writer.write(data)

        both = {asyncio.create_task(onward()), asyncio.create_task(back())}
        pipes.update(both)
        with suppress(ConnectionError):
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, far_writer):
            end.close()
        await relay.count(ended=1)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    try:
        yield relay
    finally:
        server.close()
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
