"""Held hits and the death of the process that holds them (B3)."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from shared.events.base import Event
from tests.integration.own_broker import ServiceProcess, own_broker, service
from tests.integration.tracker.test_tracker import WITHIN_S, environment, hearing, publish, publishing
from tests.unit.tracker.made import SENT_AT, hit, message

pytestmark = pytest.mark.integration


class Now:
    """Events of `made`, whose seconds count from a send ten seconds ago."""

    def __init__(self) -> None:
        self._shift = datetime.now(UTC) - timedelta(seconds=10) - SENT_AT

    def __call__(self, event: Event) -> Event:
        return event.model_copy(update={"occurred_at": event.occurred_at + self._shift})


async def holds(tracker: ServiceProcess, count: int) -> None:
    """Wait until it holds so many hits."""
    async with asyncio.timeout(WITHIN_S):
        while await tracker.metric("kaifu_held_hits") != count:
            await asyncio.sleep(0.05)


@pytest.mark.requirement("B3", "T9")
@pytest.mark.parametrize("is_cache_kept", [False, True], ids=["empty folder", "same folder"])
async def test_a_held_hit_survives_a_kill_and_a_burst_seen_after_it_still_counts(
    tmp_path: Path, is_cache_kept: bool
) -> None:
    now, lone, scanned = Now(), uuid4(), uuid4()
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        first = ServiceProcess("tracker", environment(broker, tmp_path / "first"), tmp_path)
        await first.start()
        for mail in (lone, scanned):
            await publish(publisher, now(message(message_id=mail)))
        await publish(publisher, now(hit(10, message_id=lone)), now(hit(10, message_id=scanned, link=0)))
        await holds(first, 2)
        await first.stop(signal.SIGKILL)
        assert not heard.raised(lone, scanned)
        await publish(publisher, now(hit(10.1, message_id=scanned, link=1)))
        folder = tmp_path / ("first" if is_cache_kept else "second")
        async with service("tracker", environment(broker, folder), tmp_path) as second:
            await heard.until(lambda: heard.raised(lone))
            await holds(second, 0)
            await heard.until(lambda: len(heard.engagements(scanned)) >= 2)
        assert len(heard.raised(lone)) == 1
        assert not heard.raised(scanned)
        assert {one.verdict for one in heard.engagements(scanned).values()} == {"machine"}
