"""Consuming events: at least once, in batches, committed after the effects.

The handler must make its effects idempotent (keyed by event id). It answers:
- by returning: done, the offsets are committed;
- `RetryLater`: something it needs is away; the same batch comes again after a pause, for ever;
- anything else: the batch is tried again one by one; a message that fails three times, or raises
  `InvalidMessage`, goes to the dead letters.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, KafkaError, KafkaTimeoutError

from shared.bus.connection import client_options
from shared.bus.dead_letters import DeadLetterLimitReached, DeadLetters, InvalidMessage, stand_still
from shared.bus.lag import LagGauge
from shared.bus.producer import PublishFailed
from shared.bus.stalls import StallLook
from shared.events.base import Event
from shared.events.catalogue import Topic
from shared.events.codec import UndecodableEvent, decode
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import EVENTS_CONSUMED, HANDLER_RETRIES
from shared.telemetry.tracing import KafkaHeaders

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
_POLL_MS = 1000
# A process that ends may wait for one answer of a silent broker, then for its stop: both within its grace.
_ANSWER_WITHIN_S = 10.0
_STOP_WITHIN_S = 10.0
_BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)


class RetryLater(RuntimeError):
    """What the handler needs is away (database, broker); nothing is wrong with the message."""


Place = tuple[str, int, int]  # topic, partition, offset


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event as it came: where from, and in which trace."""

    event: Event
    topic: str
    partition: int
    offset: int
    headers: KafkaHeaders

    @property
    def place(self) -> Place:
        """Where it stands in Kafka: nothing else stands there."""
        return self.topic, self.partition, self.offset


_Answer = TypeVar("_Answer")
Handler = Callable[[Sequence[Delivered]], Awaitable[None]]


def consumer_client(settings: KafkaSettings, group: str | None, **options: Any) -> AIOKafkaConsumer:
    """An aiokafka consumer with our tempo. Range assignment keeps equal partitions of topics together."""
    defaults: dict[str, Any] = {
        **client_options(settings),
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": settings.session_timeout_ms,
        "rebalance_timeout_ms": settings.session_timeout_ms,
        "heartbeat_interval_ms": settings.heartbeat_interval_ms,
        "fetch_max_wait_ms": settings.fetch_max_wait_ms,
        "partition_assignment_strategy": [RangePartitionAssignor],
        "metadata_max_age_ms": 60_000,
    }
    return _Consumer(**(defaults | options))


class _Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """aiokafka's, which waits for a silent broker for as long as it is silent, and whose `stop` leaks the
    cancellation of its own pending fetch when a broker is gone."""

    async def commit(self, offsets: Any = None) -> None:
        """Within some seconds. Raises KafkaTimeoutError, KafkaError."""
        await _answered(super().commit(offsets))

    async def committed(self, partition: TopicPartition) -> int | None:
        """Within some seconds. Raises KafkaTimeoutError, KafkaError."""
        return await _answered(super().committed(partition))

    async def stop(self) -> None:
        """Stop, within some seconds; only a cancellation of the caller itself is raised."""
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                await self._stop()
        except TimeoutError:
            log.info("the broker does not answer; leaving it without a word")
            await self._client.close()

    async def _stop(self) -> None:
        try:
            await super().stop()
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            await self._client.close()  # the step that the leak left out


async def _answered(asking: Awaitable[_Answer]) -> _Answer:
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            return await asking
    except TimeoutError:
        raise KafkaTimeoutError("the broker does not answer") from None


class EventConsumer:
    """Feeds a handler with the events of some topics, as one member of a group.

    `batch`: the most events at once. `gather_s`: a pause after each batch, for effects that cost less
    together: an event after a silence is handled at once, what follows it within the pause in one batch.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[Topic],
        handler: Handler,
        dead_letters: DeadLetters,
        progress: Progress,
        *,
        batch: int = 500,
        gather_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        fetch_wait_ms = max(settings.fetch_max_wait_ms, int(gather_s * 1000))
        self._group = group
        self._client = consumer_client(settings, group, fetch_max_wait_ms=fetch_wait_ms)
        self._topics = [topic.name for topic in topics]
        self._handler = handler
        self._dead_letters = dead_letters
        self._progress = progress
        self._loop_name = f"consumer {group}"
        self._batch = batch
        self._gather_s = gather_s
        self._positions: dict[TopicPartition, int] = {}  # all below is done
        self._uncommitted: dict[TopicPartition, int] = {}  # done, and a commit of it failed
        self._lag = LagGauge()
        self._look = StallLook(settings, self._client, clock)
        progress.expect(self._loop_name)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping`; with too many dead letters, stand still until then."""
        try:
            await self._consume(stopping)
        except DeadLetterLimitReached:
            await stand_still(self._group, self._loop_name, self._progress, stopping)

    async def _consume(self, stopping: asyncio.Event) -> None:
        try:
            await self._client.start()
            self._client.subscribe(self._topics, listener=_Assignments(self))
            while not stopping.is_set():
                batches = await self._client.getmany(timeout_ms=_POLL_MS, max_records=self._batch)
                records = [record for batch in batches.values() for record in batch]
                for partition, batch in batches.items():
                    self._positions.setdefault(partition, batch[0].offset)
                if records and not await self._process(records, stopping):
                    return
                if records or self._uncommitted:
                    await self._commit(batches)
                if records or not await self._look.stalled():
                    self._progress.moved(self._loop_name)
                self._measure_lag()
                if records and self._gather_s:
                    await _stopped_within(stopping, self._gather_s)
        finally:
            await self._client.stop()

    async def _process(self, records: Sequence[Any], stopping: asyncio.Event) -> bool:
        """Whether all effects are done; False when the process is stopping first."""
        aside: set[Place] = set()
        for attempt in itertools.count():
            try:
                await self._handled(await self._decoded(records, aside), records, aside)
            except (RetryLater, PublishFailed) as error:
                HANDLER_RETRIES.labels(records[0].topic).inc()
                pause = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
                log.warning("waiting for what is away", error=str(error), pause_s=pause)
                await self._look.stalled()  # what waits is seen to grow
                self._measure_lag()
                if await _stopped_within(stopping, pause):
                    return False
                self._progress.moved(self._loop_name)  # waiting on purpose is not a stall
            else:
                return True
        raise AssertionError("unreachable")

    async def _decoded(self, records: Sequence[Any], aside: set[Place]) -> list[Delivered]:
        """The events that are not set aside yet; `aside` grows by what is no event."""
        events = []
        for record in records:
            if (place := (record.topic, record.partition, record.offset)) in aside:
                continue
            try:
                event = decode(record.topic, record.value)
            except UndecodableEvent as error:
                await self._dead_letters.put(record, f"undecodable: {error.reason}")
                aside.add(place)
                continue
            events.append(Delivered(event, *place, record.headers))
        return events

    async def _handled(self, events: list[Delivered], records: Sequence[Any], aside: set[Place]) -> None:
        try:
            await self._handler(events)
        except (RetryLater, PublishFailed):
            raise
        except Exception as error:  # noqa: BLE001 - a poison message must not stop the topic
            log.warning("a batch failed; trying one by one", error=type(error).__name__, size=len(events))
            await self._one_by_one(events, records, aside)
        done = [event for event in events if event.place not in aside]
        for event in done:
            EVENTS_CONSUMED.labels(event.topic).inc()
        self._dead_letters.fine(len(done))

    async def _one_by_one(self, events: list[Delivered], records: Sequence[Any], aside: set[Place]) -> None:
        raw = {(record.topic, record.partition, record.offset): record for record in records}
        for event in events:
            reason = await self._attempt(event)
            if reason is not None:
                await self._dead_letters.put(raw[event.place], reason)
                aside.add(event.place)

    async def _attempt(self, event: Delivered) -> str | None:
        """None when done, else why not."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                await self._handler([event])
            except (RetryLater, PublishFailed):
                raise
            except InvalidMessage as error:
                return error.reason
            except Exception as error:
                log.exception("a message failed", topic=event.topic, attempt=attempt + 1)
                reason = f"handler-failed: {type(error).__name__}"
            else:
                return None
        return reason

    async def _commit(self, batches: dict[TopicPartition, Sequence[Any]]) -> None:
        done = {partition: batch[-1].offset + 1 for partition, batch in batches.items() if batch}
        self._positions |= done
        held = self._client.assignment()
        known = self._uncommitted | done
        self._uncommitted = {partition: offset for partition, offset in known.items() if partition in held}
        if not self._uncommitted:
            return
        try:
            await self._client.commit(self._uncommitted)
        except CommitFailedError:
            log.info("lost the partition before the commit; its new owner repeats the batch")
        except KafkaError as error:
            log.warning("commit failed; tried again with the next turn", error=type(error).__name__)
            return
        self._uncommitted = {}

    def _measure_lag(self) -> None:
        """The higher of two words: the fetch's high watermark, which a stalled fetch leaves old, and
        ListOffsets, which is too low on the embedded broker. Neither is ever too high."""
        lags = {}
        for partition in self._client.assignment():
            end = max(self._client.highwater(partition) or 0, self._look.ends.get(partition, 0))
            read = self._look.positions.get(partition, end)  # while nothing of it is done yet
            lags[partition] = max(0, end - self._positions.get(partition, read))
        self._lag.show(lags)

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """The group has let us in; a member without partitions is ready too: it stands by."""
        for partition in partitions:
            self._positions.pop(partition, None)  # another member may have gone on meanwhile
            self._uncommitted.pop(partition, None)
        self._progress.ready(self._loop_name)


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: EventConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Nothing to hand over: effects are done before the commit."""

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Also with none."""
        self._consumer.assigned(assigned)


async def _stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True
