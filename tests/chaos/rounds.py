"""One fault from start to verdict: load and screens, the fault, and how long until all sets are equal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.arena import Arena, arena
from tests.chaos.load import HITS_PER_SEND
from tests.chaos.oracle import Verdict
from tests.chaos.settling import settled
from tests.chaos.stack import Stack

_SPARE_MAILS = 10

Inject = Callable[[Arena], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`inject` does it for the arena's seconds and returns when it is over; AssertionError for what else
    must hold during it; `prepare` comes before it and `after` it puts things back. `at_least_s`: it can't be
    shorter. `screens` follow, and break their connections every `drops_every_s`."""

    id: str
    words: str
    inject: Inject
    at_least_s: float = 0.0
    drops_every_s: float = 0.0
    screens: int = 2
    prepare: Inject | None = None
    after: Inject | None = None


@dataclass(slots=True)
class Result:
    """One row of bench/chaos.json; `recovered_s` None: the sets did not become equal."""

    fault: Fault
    seed: int
    events: int
    verdict: Verdict
    recovered_s: float | None
    facts: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether all promises held."""
        return self.verdict.clean and self.recovered_s is not None and not self.failure

    def row(self) -> dict[str, Any]:
        """For the file."""
        return {
            "seed": self.seed,
            "events": self.events,
            "acked_lost": len(self.verdict.acked_lost),
            "stored_twice": len(self.verdict.stored_twice),
            "pushed_twice": len(self.verdict.pushed_twice),
            "recovered_s": self.recovered_s,
            **self.facts,
        }


async def play(fault: Fault, stack: Stack, seed: int, seconds: float, rate: float) -> Result:
    """Do it, and judge. `rate`: hits per second."""
    seconds = max(seconds, fault.at_least_s)
    async with arena(stack, f"{fault.id}-{seed}", seed, seconds, fault.screens) as place:
        for screen in place.screens:
            screen.drops_every_s = fault.drops_every_s
        following = [asyncio.create_task(screen.follow()) for screen in place.screens]
        try:
            return await _played(fault, place, seed, rate)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


async def _played(fault: Fault, place: Arena, seed: int, rate: float) -> Result:
    await place.load.prepare(int(rate * place.seconds / HITS_PER_SEND) + _SPARE_MAILS)
    for screen in place.screens:
        await screen.following()
    if fault.prepare is not None:
        await fault.prepare(place)
    failure, over_at = "", time.monotonic()
    injecting = asyncio.ensure_future(_timed(fault.inject(place)))
    try:
        await place.load.while_doing(injecting, rate)
        over_at = await injecting
        if fault.after is not None:
            await fault.after(place)
            over_at = time.monotonic()
    except (AssertionError, TimeoutError) as error:
        failure = f"{type(error).__name__}: {error}"
    recovered_s, verdict, waiting = await settled(place, over_at)
    if waiting:
        failure = failure or f"it stands still: {waiting}"
    place.facts |= _latencies(place)
    return Result(fault, seed, place.load.events, verdict, recovered_s, place.facts, failure)


async def _timed(injecting: Awaitable[None]) -> float:
    await injecting
    return time.monotonic()


def _latencies(place: Arena) -> dict[str, Any]:
    found = sorted(place.load.record.latencies)
    refused = dict(sorted(place.load.record.refused.items()))
    if not found:
        return {"refused": refused}
    return {
        "refused": refused,
        "hit_p99_ms": round(found[int(len(found) * 0.99)] * 1000, 1),
        "hit_max_ms": round(found[-1] * 1000, 1),
    }
