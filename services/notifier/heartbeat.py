"""Whether clients are still there: a ping to each in turn, of all sockets together.

The library would do it by a task, a timer and a random number for each socket, at eight times the cost.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Protocol

_SLOTS = 40  # so that the pings of one interval don't go out at once


class Beating(Protocol):
    """A socket."""

    def beat(self) -> None:
        """Ping the client, or cut it when it has said nothing since the last time."""


class Heartbeat:
    """Each socket's turn comes once in `interval_s`."""

    def __init__(self, interval_s: float) -> None:
        self._pause_s = interval_s / _SLOTS
        self._slots: list[set[Beating]] = [set() for _ in range(_SLOTS)]
        self._next = cycle(self._slots)

    @contextmanager
    def of(self, socket: Beating) -> Iterator[None]:
        """The socket is served while the block runs."""
        slot = next(self._next)
        slot.add(socket)
        try:
            yield
        finally:
            slot.remove(socket)

    async def run(self) -> None:
        """Until cancelled."""
        for slot in cycle(self._slots):
            await asyncio.sleep(self._pause_s)
            for socket in tuple(slot):
                socket.beat()
