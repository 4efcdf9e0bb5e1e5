"""The tracker with live messages: opened within its horizon, so it holds them in memory.

What each costs in memory, what a hit costs among so many, and how long a tracker that starts again needs
until it is caught up: with its folder, and without, when it reads all that was sent again.
"""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from bench.fanout import Fresh
from bench.load import cpu_seconds
from bench.results import Figure, figure
from bench.steps import Step, grown
from bench.tracker import TRACKER_GROUP, done, hits_of, loading, publish, sent_message
from deploy.local.stack import Stack
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS, SENDS
from shared.events.sends import MessageSent
from shared.settings import KafkaSettings

SERVICES = ("tracker",)
ROUNDS = {100_000: 3, 1_000_000: 1}  # of restarts, by live messages; a million takes minutes each
CPU_ROUNDS = 3
HITS_PER_ROUND = 20_000  # each of another live message
_MEANWHILE = 400  # hits that come while it is down: it is caught up when they are judged
_AT_ONCE = 10_000
_BEHIND = 5 * _AT_ONCE  # how many it may be behind while they are made
_WITHIN_S = 900.0
_PER = 100_000  # messages that memory is told of


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds from the start of the process until it is caught up, and MB that it holds then."""

    seconds: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class AtSize:
    """With so many live messages: MB before any restart, restarts without and with the folder, CPU µs per
    hit."""

    size: int
    lived_mb: float
    without: tuple[Restart, ...]
    kept: tuple[Restart, ...]
    hit_us: tuple[float, ...]


async def measure(fresh: Fresh) -> list[Figure]:
    """`live_rebuild_s`, `live_memory_mb_per_100k`, `live_hit_us`."""
    async with fresh(SERVICES, seeded=False) as stack, _tracker(stack) as tracker:
        empty = tracker.memory_mb()
        found = [await tracker.at(size) for size in ROUNDS]
    return figures(empty, found)


def figures(empty_mb: float, found: Sequence[AtSize]) -> list[Figure]:
    """`empty_mb`: what it holds without any message."""
    return [_rebuild(found), _memory(empty_mb, found), _cpu(found)]


def _rebuild(found: Sequence[AtSize]) -> Figure:
    last = found[-1]
    without, kept = ([one.seconds for one in restarts] for restarts in (last.without, last.kept))
    smaller = ", ".join(
        f"with {one.size:,} {median(r.seconds for r in one.without):.1f} s, folder kept "
        f"{median(r.seconds for r in one.kept):.1f} s"
        for one in found[:-1]
    )
    note = (
        f"from the tracker's start, its folder deleted, until hits of meanwhile are judged and committed; "
        f"{last.size:,} live messages of a hit each, restarts: {len(without)}; {smaller}; reference: with "
        f"the folder kept; ratio: how many times that; no database takes part"
    )
    ratios = [one / other for one, other in zip(without, kept, strict=True)]
    return figure("live_rebuild_s", "s", without, kept, ratios, "", note)


def _memory(empty_mb: float, found: Sequence[AtSize]) -> Figure:
    steps = [
        Step(one.size, tuple((r.memory_mb - empty_mb) / one.size * _PER for r in (*one.without, *one.kept)))
        for one in found
    ]
    lived = ", ".join(f"{one.lived_mb:.0f} MB with {one.size:,}" for one in found)
    restarts = " and ".join(str(len(step.costs)) for step in steps)
    note = (
        f"resident memory beyond the {empty_mb:.0f} MB of an empty tracker, per {_PER:,} of them, "
        f"after {restarts} restarts; before a restart it held {lived} in all; "
        "no database takes part"
    )
    return grown("live_memory_mb_per_100k", "MB", steps, "live messages of a hit each", note)


def _cpu(found: Sequence[AtSize]) -> Figure:
    steps = [Step(one.size, one.hit_us) for one in found]
    rounds = len(steps[-1].costs)
    note = (
        f"CPU µs per hit, {rounds} rounds of {HITS_PER_ROUND:,} hits, the second of as many of them; "
        "no database takes part"
    )
    return grown("live_hit_us", "µs", steps, "live messages", note)


class _Tracker:
    """The tracker of a stack, and what it was told of."""

    def __init__(self, stack: Stack, settings: KafkaSettings, publisher: EventPublisher) -> None:
        self._stack = stack
        self._settings = settings
        self._publisher = publisher
        self._live = 0

    @property
    def _pid(self) -> int:
        return self._stack.pids["tracker"]

    def memory_mb(self) -> float:
        """Resident, of its process now."""
        return float(psutil.Process(self._pid).memory_info().rss) / 1e6

    async def at(self, size: int) -> AtSize:
        """Everything with so many live messages."""
        begun = time.perf_counter()
        unread = await self._grow_to(size)
        lived = self.memory_mb()
        print(f"  {size:,} live messages after {time.perf_counter() - begun:.0f} s: {lived:.0f} MB")
        without, kept = [], []
        for _ in range(ROUNDS[size]):
            without.append(await self._restart(unread, delete=True))
            kept.append(await self._restart(unread, delete=False))
            print(f"  caught up after {without[-1].seconds:.1f} s, folder kept {kept[-1].seconds:.1f} s")
        costs = [await self._round(unread) for _ in range(CPU_ROUNDS + 1)][1:]  # the first one warms up
        print(f"  {median(costs):.1f} µs per hit")
        return AtSize(size, lived, tuple(without), tuple(kept), tuple(costs))

    async def _grow_to(self, size: int) -> list[MessageSent]:
        """So many in all; of the new ones, spread over them, as many as are to be hit again."""
        more = size - self._live
        wanted = 2 * ROUNDS[size] * _MEANWHILE + (CPU_ROUNDS + 1) * HITS_PER_ROUND
        some: list[MessageSent] = []
        for begin in range(0, more, _AT_ONCE):
            sent = [sent_message() for _ in range(min(_AT_ONCE, more - begin))]
            await publish(self._publisher, self._settings, sent)
            await publish(self._publisher, self._settings, hits_of(sent))
            some += random.sample(sent, min(len(sent), -(-wanted * len(sent) // more)))
            if (begin // _AT_ONCE + 1) % (_BEHIND // _AT_ONCE) == 0:
                await done(self._settings, TRACKER_GROUP, HITS, _WITHIN_S)
        await self._caught_up()
        self._live = size
        random.shuffle(some)
        return some

    async def _restart(self, unread: list[MessageSent], *, delete: bool) -> Restart:
        async with self._stack.without("tracker", within_s=_WITHIN_S):
            if delete:
                await asyncio.to_thread(shutil.rmtree, self._stack.home.tracker)
            await self._hit(unread, _MEANWHILE)
            begun = time.perf_counter()
        await self._caught_up()
        return Restart(time.perf_counter() - begun, self.memory_mb())

    async def _round(self, unread: list[MessageSent]) -> float:
        before = cpu_seconds([self._pid])
        await self._hit(unread, HITS_PER_ROUND)
        await self._caught_up()
        return (cpu_seconds([self._pid]) - before) / HITS_PER_ROUND * 1e6

    async def _hit(self, unread: list[MessageSent], count: int) -> None:
        """One hit of each of so many, which leave the list."""
        chosen = [unread.pop() for _ in range(count)]
        await publish(self._publisher, self._settings, hits_of(chosen))

    async def _caught_up(self) -> None:
        for topic in (SENDS, HITS):
            await done(self._settings, TRACKER_GROUP, topic, _WITHIN_S)


@asynccontextmanager
async def _tracker(stack: Stack) -> AsyncIterator[_Tracker]:
    async with loading(stack) as (settings, publisher):
        yield _Tracker(stack, settings, publisher)
