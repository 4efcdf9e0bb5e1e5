"""A way to the broker on which fetches can be made to hang: the stall that client libraries are known for."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOPBACK = "127.0.0.1"
_FETCH = 1  # https://kafka.apache.org/protocol#protocol_api_keys
_HEAD = 4  # a frame begins with its length
_CHUNK = 65536


class StallingProxy:
    """Relays to one broker of loopback. `stall`: a connection that fetches gets no answers any more.

    The broker names its own port in its answers; clients are told this one's instead.
    """

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.stalled = 0
        self._to_port = to_port
        self._stalling = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def stall(self) -> None:
        """From now on; `stalled` counts the connections that it hit."""
        self._stalling = True

    def heal(self) -> None:
        """Connections made from now on are whole."""
        self._stalling = False

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accepted, LOOPBACK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._relay(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_there, there = await asyncio.open_connection(LOOPBACK, self._to_port)
        answers = asyncio.create_task(self._answers(from_there, writer))
        try:
            await self._requests(reader, there, answers)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one end is gone, and so is the other
        finally:
            answers.cancel()
            for end in (there, writer):
                end.close()

    async def _requests(
        self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, answers: "asyncio.Task[None]"
    ) -> None:
        while True:
            head = await reader.readexactly(_HEAD)
            frame = await reader.readexactly(int.from_bytes(head))
            if self._stalling and int.from_bytes(frame[:2]) == _FETCH and not answers.cancelled():
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                self.stalled += 1
            there.write(head + frame)
            await there.drain()

    async def _answers(self, from_there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        named, ours = (LOOPBACK.encode() + struct.pack(">i", port) for port in (self._to_port, self.port))
        while True:
            head = await from_there.readexactly(_HEAD)
            frame = await from_there.readexactly(int.from_bytes(head))
            writer.write(head + frame.replace(named, ours))
            await writer.drain()


@asynccontextmanager
async def stalling_proxy(to_port: int) -> AsyncIterator[StallingProxy]:
    """A proxy that does not stall yet, for as long as the block lasts."""
    proxy = StallingProxy(to_port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
