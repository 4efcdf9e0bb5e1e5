"""Each fault does to a connection what it says."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fault_proxy import LOOPBACK, Fault, FaultProxy, fault_proxy

LATE_S = 0.15


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """In front of a server that answers each line with itself."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                writer.write(line)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, LOOPBACK)
    async with fault_proxy(server.sockets[0].getsockname()[1]) as made:
        yield made
    server.close()


class Line:
    """A client of the echo."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def says(self, text: bytes, within_s: float = 5.0) -> bytes:
        """What comes back; b"" when the connection ends."""
        self.writer.write(text + b"\n")
        return (await asyncio.wait_for(self.reader.readline(), within_s)).rstrip()


class Caller:
    """Makes clients and ends them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def to(self, proxy: FaultProxy) -> Line:
        line = Line(*await asyncio.open_connection(LOOPBACK, proxy.port))
        self.lines.append(line)
        return line


@pytest.fixture
def caller(proxy: FaultProxy) -> Iterator[Caller]:
    made = Caller()
    yield made
    for line in made.lines:
        line.writer.close()


async def test_without_a_fault_all_passes(proxy: FaultProxy, caller: Caller) -> None:
    line = await caller.to(proxy)
    assert await line.says(b"one") == b"one"
    line.writer.write_eof()
    assert await asyncio.wait_for(line.reader.read(), 5.0) == b"", "an end is passed on too"


async def test_silence_accepts_answers_nothing_and_loses_nothing(proxy: FaultProxy, caller: Caller) -> None:
    old = await caller.to(proxy)
    assert await old.says(b"before") == b"before"
    await proxy.set(Fault.SILENT)
    new = await caller.to(proxy)
    for line in (old, new):
        with pytest.raises(TimeoutError):
            await line.says(b"during", 0.2)
    await proxy.set(Fault.NONE)
    for line in (old, new):
        assert await asyncio.wait_for(line.reader.readline(), 5.0) == b"during\n"


async def test_a_reset_ends_old_and_new_connections(proxy: FaultProxy, caller: Caller) -> None:
    old = await caller.to(proxy)
    assert await old.says(b"before") == b"before"
    await proxy.set(Fault.RESET)
    with pytest.raises(ConnectionResetError):
        await old.says(b"during")
    with pytest.raises(ConnectionError):
        await (await caller.to(proxy)).says(b"during")
    await proxy.set(Fault.NONE)
    assert await (await caller.to(proxy)).says(b"after") == b"after"


async def test_latency_delays_both_directions(proxy: FaultProxy, caller: Caller) -> None:
    line = await caller.to(proxy)
    await proxy.set(Fault.LATENCY, LATE_S)
    began = time.monotonic()
    assert await line.says(b"late") == b"late"
    assert time.monotonic() - began >= 2 * LATE_S


async def test_refused_is_as_if_nothing_listened(proxy: FaultProxy, caller: Caller) -> None:
    line = await caller.to(proxy)
    assert await line.says(b"before") == b"before"
    await proxy.set(Fault.REFUSED)
    assert await asyncio.wait_for(line.reader.read(), 5.0) == b""
    with pytest.raises(ConnectionRefusedError):
        await caller.to(proxy)
    port = proxy.port
    await proxy.set(Fault.NONE)
    assert proxy.port == port
    assert await (await caller.to(proxy)).says(b"after") == b"after"
