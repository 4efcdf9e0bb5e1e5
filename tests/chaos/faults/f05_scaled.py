"""F5: workers from one to four and back every few seconds; no partition with lag stands still."""

import asyncio
import time
from typing import Any

from aiokafka.errors import KafkaError

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

_IDLE_AT_MOST_S = 30.0  # two changes of workers in a row, each started by a slow machine
_EVERY_S = (4.0, 7.0)
_LOOK_EVERY_S = 0.5
_SCALED = ("tracker", "logger")
_FEW, _MANY, _BEFORE = 1, 4, 2


async def inject(arena: Arena) -> None:
    """Up and down again, watched all the time."""
    watch = Idleness()
    watching = asyncio.create_task(watch.over(arena))
    changes = 0
    try:
        for _ in arena.lasting():
            count = _MANY if changes % 2 == 0 else _FEW
            await asyncio.gather(*(arena.stack.scale(service, count) for service in _SCALED))
            changes += 1
            await asyncio.sleep(arena.random.uniform(*_EVERY_S))
        await asyncio.gather(*(arena.stack.scale(service, _BEFORE) for service in _SCALED))
        await arena.stack.ready()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    arena.facts |= {"rescaled": changes, "idle_with_lag_s": round(watch.longest_s, 1), "idle": watch.where}
    assert watch.longest_s <= _IDLE_AT_MOST_S, f"{watch.where} stood still for {watch.longest_s:.0f} s"


class Idleness:
    """How long a partition with lag had no commit, and which of which group."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.where = ""
        self._since: dict[Any, tuple[int, float]] = {}

    async def over(self, arena: Arena) -> None:
        """Look until cancelled."""
        while True:
            try:
                self._look(await arena.broker.committed_with_lag())
            except KafkaError:
                self._since.clear()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _look(self, committed: dict[Any, int]) -> None:
        now = time.monotonic()
        before = self._since
        self._since = {}
        for place, offset in committed.items():
            known, since = before.get(place, (None, now))
            self._since[place] = (offset, since if known == offset else now)
            if now - self._since[place][1] > self.longest_s:
                self.longest_s = now - self._since[place][1]
                self.where = f"{place[1].topic}/{place[1].partition} of {place[0]}"


FAULT = Fault("F5", "workers from one to four and back", inject, at_least_s=12.0)
