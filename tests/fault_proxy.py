"""A TCP proxy whose faults a test decides: what a network or a sick server does to connections."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum

LOOPBACK = "127.0.0.1"
_CHUNK = 65536
_MOST_DELAYED = 256  # chunks on their way per direction; then the sender has to wait
_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s

Delayed = tuple[float, bytes]


class Fault(Enum):
    """What happens to connections."""

    NONE = "none"
    SILENT = "silent"  # accepts and never answers; what was sent arrives when the fault is over
    RESET = "reset"  # every connection, old or new, ends with a RST
    LATENCY = "latency"  # every piece of data arrives late, in each direction
    REFUSED = "refused"  # nothing listens, and the connections that there were are closed


class FaultProxy:
    """In front of one port of loopback. `port`: where clients connect; 0 chooses one."""

    def __init__(self, to_port: int, port: int = 0) -> None:
        self.port = port
        self.fault = Fault.NONE
        self._to_port = to_port
        self._latency_s = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def set(self, fault: Fault, latency_s: float = 0.0) -> None:
        """From now on. `latency_s`: in each direction, for LATENCY."""
        self.fault = fault
        self._latency_s = latency_s if fault is Fault.LATENCY else 0.0
        if fault is Fault.SILENT:
            self._flows.clear()
        else:
            self._flows.set()
        if fault in (Fault.RESET, Fault.REFUSED):
            self._end_connections(reset=fault is Fault.RESET)
        if fault is Fault.REFUSED:
            await self._close_listener()
        elif self._server is None:
            await self.open()

    async def open(self) -> None:
        """Listen. OSError when the port is taken."""
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End everything."""
        await self._close_listener()
        self._flows.set()
        self._end_connections(reset=False)
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _next_port(self) -> int:
        return self._to_port

    async def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _end_connections(self, *, reset: bool) -> None:
        for writer in list(self._writers):
            if reset:
                _reset(writer)
            else:
                writer.close()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault is Fault.RESET:
            _reset(writer)
            return
        connection = asyncio.create_task(self._relay(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            from_there, there = await asyncio.open_connection(LOOPBACK, self._next_port())
            self._writers.add(there)
            async with asyncio.TaskGroup() as pipes:
                pipes.create_task(self._pipe(reader, there))
                pipes.create_task(self._pipe(from_there, writer))
        except (OSError, ExceptionGroup):
            pass  # one end is gone, and so is the other
        finally:
            for end in (writer, there):
                if end is not None:
                    self._writers.discard(end)
                    end.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end closes. Raises ConnectionError for a broken one."""
        late: asyncio.Queue[Delayed] = asyncio.Queue(_MOST_DELAYED)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(late, writer))
            data = b"-"
            while data:
                data = await reader.read(_CHUNK)
                await late.put((asyncio.get_running_loop().time() + self._latency_s, data))

    async def _deliver(self, late: "asyncio.Queue[Delayed]", writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await late.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._flows.wait()
            if not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def fault_proxy(to_port: int, port: int = 0) -> AsyncIterator[FaultProxy]:
    """A proxy without faults, for as long as the block lasts."""
    proxy = FaultProxy(to_port, port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
