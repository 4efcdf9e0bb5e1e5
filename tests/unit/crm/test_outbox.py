"""The outbox's publisher, on a queue and a broker in memory."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from services.crm.adapters.outbox import OutboxPublisher
from services.crm.model.failures import DatabaseAway
from services.crm.store.outbox import Waiting
from shared.bus.producer import EventPublisher, PublishFailed
from shared.events.base import Event
from shared.health.progress import Progress
from tests.unit.crm.made import judged


class Rows:
    """The database's side."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.rows = [Waiting(event, ()) for event in events]
        self.holder: str | None = None
        self.fail_to_forget = 0

    async def waiting(self, limit: int) -> list[Waiting]:
        return self.rows[:limit]

    async def count(self) -> int:
        return len(self.rows)

    async def published(self, event_ids: Sequence[UUID]) -> None:
        if self.fail_to_forget:
            self.fail_to_forget -= 1
            raise DatabaseAway("gone")
        self.rows = [row for row in self.rows if row.event.event_id not in set(event_ids)]

    async def lease(self, holder: str, seconds: float) -> bool:
        assert seconds > 0
        self.holder = self.holder or holder
        return self.holder == holder

    async def release(self, holder: str) -> None:
        if self.holder == holder:
            self.holder = None


class Broker:
    """What was published, in order."""

    def __init__(self, *, failures: int = 0) -> None:
        self.ids: list[UUID] = []
        self.failures = failures

    async def publish_all(self, events: Iterable[tuple[Event, Any]]) -> None:
        if self.failures:
            self.failures -= 1
            raise PublishFailed("timeout")
        self.ids += [event.event_id for event, _ in events]


def _publisher(rows: Rows, broker: Broker) -> OutboxPublisher:
    return OutboxPublisher(rows, cast(EventPublisher, broker), asyncio.Event(), Progress(20))


EVENTS = [judged(str(number)) for number in range(250)]
IDS = [event.event_id for event in EVENTS]


async def test_everything_goes_out_in_the_order_of_writing() -> None:
    """In several batches; then nothing waits."""
    rows, broker = Rows(EVENTS), Broker()
    await _publisher(rows, broker).publish_all()
    assert (broker.ids, rows.rows) == (IDS, [])


async def test_a_crash_between_publishing_and_forgetting_repeats_the_same_ids() -> None:
    """The next process publishes again; a reader who knows ids sees each once, in order."""
    rows, broker = Rows(EVENTS[:3]), Broker()
    rows.fail_to_forget = 1
    with pytest.raises(DatabaseAway):
        await _publisher(rows, broker).publish_all()
    rows.holder = None  # the lease of the dead process runs out
    await _publisher(rows, broker).publish_all()
    assert broker.ids == IDS[:3] * 2
    assert list(dict.fromkeys(broker.ids)) == IDS[:3]
    assert rows.rows == []


async def test_what_the_broker_did_not_take_still_waits() -> None:
    """Nothing is forgotten before it is acknowledged."""
    rows, broker = Rows(EVENTS[:3]), Broker(failures=1)
    publisher = _publisher(rows, broker)
    with pytest.raises(PublishFailed):
        await publisher.publish_all()
    assert len(rows.rows) == 3
    await publisher.publish_all()
    assert broker.ids == IDS[:3]


async def test_a_process_without_the_lease_publishes_nothing() -> None:
    """Order needs one publisher."""
    rows, broker = Rows(EVENTS[:3]), Broker()
    rows.holder = "another"
    await _publisher(rows, broker).publish_all()
    assert (broker.ids, len(rows.rows)) == ([], 3)


async def test_stopping_publishes_what_is_left_and_gives_the_lease_away() -> None:
    """So that the next process begins at once."""
    rows, broker = Rows(EVENTS[:3]), Broker()
    stopping = asyncio.Event()
    stopping.set()
    await _publisher(rows, broker).run(stopping)
    assert (broker.ids, rows.holder) == (IDS[:3], None)
