"""After a fault: how long until nothing lags and all sets are equal, and what is missing then."""

import asyncio
import time

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from tests.chaos.arena import Arena
from tests.chaos.oracle import Verdict, judge

STANDS_STILL_AFTER_S = 120.0  # a machine may be slow, but something has to move
_LOST_FOR_GOOD_AFTER_S = 45.0  # without lag: what is not there by then does not come
_LOOK_EVERY_S = 0.5


async def settled(place: Arena, since: float) -> tuple[float | None, Verdict, str]:
    """Seconds since then until it is settled (None: something is lost, or it stands still), the verdict, and
    what is waited for in vain."""
    moved_at, before, no_lag_since = time.monotonic(), "", 0.0
    while time.monotonic() - moved_at < STANDS_STILL_AFTER_S:
        waiting = await _waiting(place)
        if waiting != before:
            moved_at, before = time.monotonic(), waiting
        if not waiting:
            reached = time.monotonic()
            no_lag_since = no_lag_since or reached
            verdict = await look(place)
            if not verdict.acked_lost:
                return round(reached - since, 1), verdict, ""
            if reached - no_lag_since > _LOST_FOR_GOOD_AFTER_S:
                return None, verdict, ""
        await asyncio.sleep(_LOOK_EVERY_S)
    return None, await look(place), before


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
    spools = [await worker.metric("kaifu_spool_records") for worker in place.stack.workers["ingest"]]
    return "" if not any(spooled != 0 for spooled in spools) else f"in the spools: {spools}"
