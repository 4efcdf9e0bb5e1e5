"""Many WebSocket clients in one process, so light that they are no load on the server's core.

`python -m bench.screens <host> <port> <path> <origin> <file>`: each line of the file is what one client says
first.
On stdin `connect <n>`: so many clients more, each greeted by one message; answered by `connected`.
`until <n>`: answered by `arrived` once so many messages have come since the start, of all clients together.
A client that is refused, closed or cut ends the process, which says why on stderr.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvloop

AT_ONCE = 100
_NAP_S = 0.004
_MASK = bytes(4)  # masked with zeros: a client must mask, nobody says with what
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
# As Chrome sends it for an extension.
_HANDSHAKE = """GET {path} HTTP/1.1\r
Host: {host}:{port}\r
Connection: Upgrade\r
Pragma: no-cache\r
Cache-Control: no-cache\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 \
Safari/537.36\r
Upgrade: websocket\r
Origin: {origin}\r
Sec-WebSocket-Version: 13\r
Accept-Encoding: gzip, deflate, br, zstd\r
Accept-Language: en-US,en;q=0.9,ja;q=0.8\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
\r
"""


class Crowd:
    """All clients of this process: how many messages have come after the greetings."""

    def __init__(self) -> None:
        self.arrived = 0

    async def until(self, wanted: int) -> None:
        """Wait until so many have come in all, looking now and then: a process that waits for the network is
        woken at the sender's cost, which clients on other machines don't cause."""
        while self.arrived < wanted:
            time.sleep(_NAP_S)  # noqa: ASYNC251 - all of this process sleeps
            await asyncio.sleep(0)  # reads all that is there


class Screen(asyncio.Protocol):
    """One client. It counts text messages and answers pings; what the messages say is of no interest."""

    __slots__ = ("_crowd", "_first", "_handshake", "_left", "_transport", "greeted")

    def __init__(self, crowd: Crowd, handshake: bytes, first: bytes) -> None:
        self.greeted: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self._crowd = crowd
        self._handshake: bytes | None = handshake
        self._first = first
        self._left = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast(asyncio.Transport, transport)
        assert self._handshake is not None
        self._transport.write(self._handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        """No server may do this to us here."""
        give_up(f"a client was cut: {exc or 'no reason given'}")

    def data_received(self, data: bytes) -> None:
        """Whole messages are counted; the beginning of the next one is kept."""
        data = self._left + data
        if self._handshake is not None:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._left = head
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                give_up(f"a client was refused: {head.splitlines()[0].decode('latin-1')}")
            self._handshake = None
            self._transport.write(masked(_TEXT, self._first))
            self._first = b""
        messages, self._left = self._messages(data)
        if messages and self.greeted is not None:
            self.greeted.set_result(None)
            self.greeted = None
            messages -= 1
        if messages:
            self._crowd.arrived += messages

    def _messages(self, data: bytes) -> tuple[int, bytes]:
        count, place = 0, 0
        while (frame := frame_at(data, place)) is not None:
            opcode, start, place = frame
            if opcode == _TEXT:
                count += 1
            elif opcode == _PING:
                self._transport.write(masked(_PONG, data[start:place]))
            elif opcode == _CLOSE:
                give_up(f"a client was closed: {data[start + 2 : place].decode()}")
        return count, data[place:]


def frame_at(data: bytes, place: int) -> tuple[int, int, int] | None:
    """Opcode, start and end of payload of the server's frame that begins there; None unless all is there."""
    start = place + 2
    if len(data) < start:
        return None
    length = data[place + 1]
    if length == 126:
        start += 2
        length = int.from_bytes(data[place + 2 : start])
    elif length == 127:
        raise ValueError("a message of more than 64 kB")
    end = start + length
    return (data[place] & 15, start, end) if end <= len(data) else None


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455, 5.2)."""
    head = bytes((0x80 | opcode, 0x80 | min(len(payload), 126)))
    longer = len(payload).to_bytes(2) if len(payload) > 125 else b""
    return head + longer + _MASK + payload


def give_up(why: str) -> None:
    """End the process at once."""
    print(why, file=sys.stderr, flush=True)
    os._exit(1)


async def main(host: str, port: int, path: str, origin: str, firsts: Sequence[bytes]) -> None:
    """Obey stdin until it ends."""
    handshake = _HANDSHAKE.format(path=path, host=host, port=port, origin=origin).encode()
    loop, crowd = asyncio.get_running_loop(), Crowd()
    loop.set_exception_handler(lambda _, what: give_up(f"{what['message']}: {what.get('exception')!r}"))
    waiting = iter(firsts)
    slots = asyncio.Semaphore(AT_ONCE)

    async def connect(first: bytes) -> None:
        async with slots:
            _, screen = await loop.create_connection(lambda: Screen(crowd, handshake, first), host, port)
            if screen.greeted is not None:
                await screen.greeted

    while line := await asyncio.to_thread(sys.stdin.readline):
        order, _, number = line.partition(" ")
        count = int(number)
        if order == "connect":
            await asyncio.gather(*(connect(next(waiting)) for _ in range(count)))
            print("connected", flush=True)
        else:
            await crowd.until(count)
            print("arrived", flush=True)
    os._exit(0)


if __name__ == "__main__":
    _, to_host, to_port, at, as_origin, file = sys.argv
    lines = Path(file).read_bytes().splitlines()
    uvloop.run(main(to_host, int(to_port), at, as_origin, lines))
