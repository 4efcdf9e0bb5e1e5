"""`python -m tests.chaos.planted <bug> <module>`: a service with a bug in it, to see that the oracle sees it.

The bugs are here and not in the product: nothing but a test can start them.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from aiokafka import TopicPartition

from services.crm import handlers as crm_handlers
from services.crm.store.database import AccountDocuments
from services.ingest.durability import Done, Recorder
from services.ingest.model import Durability, Record
from services.logger.handlers import SendHandler
from services.notifier.model import SeenEvents
from services.tracker import handlers as tracker_handlers
from services.tracker.adapters.loop import TrackerLoop
from shared.bus.consumer import EventConsumer
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.hits import HitRecorded
from shared.events.sends import MessageSent

POISONED = 100  # one of so many
_SLOW_S = 1.0  # between the effects and a commit, whichever comes first: so long a kill may come between


class Defect(Exception):
    """What a handler with a bug in it raises."""


def crm_commits_before_it_writes() -> None:
    """Whatever dies in between is lost."""
    process = EventConsumer._process

    async def too_early(self: EventConsumer, records: Sequence[Any], stopping: asyncio.Event) -> bool:
        ends = {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records}
        await self._client.commit(ends)
        await asyncio.sleep(_SLOW_S)
        return await process(self, records, stopping)

    EventConsumer._process = too_early  # type: ignore[method-assign]


def tracker_commits_before_it_publishes() -> None:
    """The same in the loop of the tracker."""
    publish = TrackerLoop._process

    async def too_early(self: TrackerLoop, batches: Any, stopping: asyncio.Event) -> bool:
        ends = {partition: records[-1].offset + 1 for partition, records in batches.items() if records}
        await self._client.commit(ends)
        await asyncio.sleep(_SLOW_S)
        return await publish(self, batches, stopping)

    TrackerLoop._process = too_early  # type: ignore[method-assign]


def ingest_answers_before_it_is_durable() -> None:
    """The reader has its GIF while the hit is in memory."""
    submit = Recorder.submit

    def too_early(self: Recorder, record: Record, done: Done) -> None:
        done(Durability.BROKER)
        asyncio.get_running_loop().call_later(_SLOW_S, submit, self, record, lambda _: None)

    Recorder.submit = too_early  # type: ignore[method-assign]


def crm_stores_without_ids() -> None:
    """What comes again is stored again. It commits late, so that something comes again."""
    add_new, commit = AccountDocuments.add_new, EventConsumer._commit

    async def late(self: EventConsumer, batches: Any) -> None:
        await asyncio.sleep(_SLOW_S)
        await commit(self, batches)

    async def always_new(self: AccountDocuments, account_id: Any, documents: Any) -> None:
        await add_new(self, account_id, {uuid4(): document for document in documents.values()})

    AccountDocuments.add_new = always_new  # type: ignore[method-assign]
    EventConsumer._commit = late  # type: ignore[method-assign]


def notifier_pushes_copies() -> None:
    """What stands twice on Kafka is told twice."""
    SeenEvents.first_time = lambda *_: True  # type: ignore[method-assign]
    SeenEvents.is_copy = lambda *_: False  # type: ignore[method-assign]


def one_of_a_hundred_fails() -> None:
    """Handlers with a bug that some events meet: different ones in each service."""
    archive, fold = crm_handlers.HitHandler.__call__, crm_handlers.MessageHandler.__call__
    judge, decide = tracker_handlers.handle, SendHandler.__call__

    async def archive_most(self: Any, batch: Sequence[tuple[Event, Any]]) -> None:
        _fail_on(event.event_id.int for event, _ in batch if isinstance(event, HitRecorded))
        await archive(self, batch)

    async def fold_most(self: Any, batch: Sequence[tuple[Event, Any]]) -> None:
        _fail_on(event.engagement_id.int for event, _ in batch if isinstance(event, EngagementJudged))
        await fold(self, batch)

    def judge_most(shard: Any, revocations: Any, event: Event, now: Any, *, again: bool) -> Any:
        _fail_on(event.event_id.int + 1 for event in (event,) if isinstance(event, HitRecorded))
        return judge(shard, revocations, event, now, again=again)

    async def decide_most(self: Any, event: Event) -> None:
        _fail_on(event.message_id.int for event in (event,) if isinstance(event, MessageSent))
        await decide(self, event)

    crm_handlers.HitHandler.__call__ = archive_most  # type: ignore[method-assign]
    crm_handlers.MessageHandler.__call__ = fold_most  # type: ignore[method-assign]
    tracker_handlers.handle = judge_most
    SendHandler.__call__ = decide_most  # type: ignore[method-assign]


def _fail_on(numbers: Any) -> None:
    if any(number % POISONED == 0 for number in numbers):
        raise Defect


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        crm_commits_before_it_writes,
        tracker_commits_before_it_publishes,
        ingest_answers_before_it_is_durable,
        crm_stores_without_ids,
        notifier_pushes_copies,
        one_of_a_hundred_fails,
    )
}


if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    runpy.run_module(sys.argv[2], run_name="__main__", alter_sys=True)
