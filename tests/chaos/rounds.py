"""One fault from start to verdict: load and screens, the fault, and how long until all sets are equal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from tests.chaos.arena import Arena, arena
from tests.chaos.load import HITS_PER_SEND
from tests.chaos.oracle import Verdict, judge
from tests.chaos.stack import Stack

SETTLED_WITHIN_S = 240.0
_LOST_FOR_GOOD_AFTER_S = 45.0  # without lag: what is not there by then does not come
_LOOK_EVERY_S = 0.5
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
    if recovered_s is None and verdict.clean:
        failure = failure or f"not done within {SETTLED_WITHIN_S:.0f} s: {waiting}"
    place.facts |= _latencies(place)
    return Result(fault, seed, place.load.events, verdict, recovered_s, place.facts, failure)


async def _timed(injecting: Awaitable[None]) -> float:
    await injecting
    return time.monotonic()


async def settled(place: Arena, since: float) -> tuple[float | None, Verdict, str]:
    """Wait until nothing lags and nothing is missing: seconds since then, the verdict, what is waited for."""
    deadline, no_lag_since = time.monotonic() + SETTLED_WITHIN_S, None
    verdict, waiting = Verdict(), "never looked"
    while time.monotonic() < deadline:
        waiting = await _waiting(place)
        if not waiting:
            no_lag_since = no_lag_since or time.monotonic()
            reached = time.monotonic()
            verdict = await look(place)
            if not verdict.acked_lost:
                return round(reached - since, 1), verdict, ""
            if time.monotonic() - no_lag_since > _LOST_FOR_GOOD_AFTER_S:
                break
        await asyncio.sleep(_LOOK_EVERY_S)
    return None, await look(place), waiting


async def look(place: Arena) -> Verdict:
    """What the oracle says now."""
    acknowledged = place.load.record.acknowledged()
    messages = frozenset(mail.message_id for mail in place.load.mails)
    await place.broker.catch_up()
    on_kafka = place.broker.on_kafka(place.load.agent, messages)
    stored = await place.records.stored(place.load.agent, messages)
    return judge(acknowledged, on_kafka, stored, {screen.name: screen.pushed() for screen in place.screens})


async def _waiting(place: Arena) -> str:
    """What has not come through yet; "" if all has."""
    try:
        if lag := await place.broker.lag():
            return f"lag {lag}"
        if rows := await place.records.waiting():
            return f"{rows} rows in the outbox"
    except (KafkaError, PyMongoError, OSError) as error:
        return type(error).__name__
    spooled = await place.stack.ingest.metric("kaifu_spool_records")
    return "" if spooled == 0 else f"spool: {spooled}"


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
