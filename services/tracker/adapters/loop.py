"""The loop: read, fold, publish, commit when the effects are acknowledged."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from services.tracker.adapters.cache import SendCache
from services.tracker.adapters.rebuild import Committed, Held, Rebuilder
from services.tracker.adapters.revocations import RevocationReader
from services.tracker.adapters.telling import Telling
from services.tracker.relations import Relations
from services.tracker.revocations import Revocations
from services.tracker.settings import TrackerSettings
from shared.bus.connection import cluster_epoch
from shared.bus.consumer import consumer_client
from shared.bus.dead_letters import DeadLetterLimitReached, DeadLetters, stand_still
from shared.bus.lag import LagGauge
from shared.bus.producer import EventPublisher, PublishFailed
from shared.bus.stalls import StallLook
from shared.events.catalogue import HITS, SENDS
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import HANDLER_RETRIES, HELD_HITS, PENDING_HITS

log = structlog.get_logger(__name__)

GROUP = "tracker"
LOOP = "tracker"
_POLL_S = 1.0
_EVICT_EVERY_S = 5.0
_BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
_LONGEST_REBUILD_MS = 1_800_000  # a member that polls less often leaves the group

Batches = Mapping[TopicPartition, Sequence[Any]]


class TrackerLoop:
    """One member of the group: the same partitions of email.sends and email.hits, folded together."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: TrackerSettings,
        cache: SendCache,
        revocations: Revocations,
        reader: RevocationReader,
        publisher: EventPublisher,
        progress: Progress,
    ) -> None:
        self._kafka = kafka
        self._settings = settings
        self._cache = cache
        self._revocations = revocations
        self._reader = reader
        self._publisher = publisher
        self._dead_letters = DeadLetters(publisher, GROUP)
        self._lag_gauge = LagGauge()
        self._progress = progress
        self._rebuilder = Rebuilder(kafka, settings, cache, revocations, self._moved, GROUP)
        self._client = consumer_client(kafka, GROUP, max_poll_interval_ms=_LONGEST_REBUILD_MS)
        self._look = StallLook(kafka, self._client)
        self._held: dict[int, Held] = {}
        self._relations = Relations()
        self._assigned = False  # an assignment came that is not followed yet
        self._done: dict[TopicPartition, int] = {}
        self._committed_at = self._evicted_at = time.monotonic()

    async def run(self, stopping: asyncio.Event) -> None:
        """Judge until `stopping`; with too many dead letters, stand still until then."""
        try:
            await self._judge(stopping)
        except DeadLetterLimitReached:
            await stand_still(GROUP, LOOP, self._progress, stopping)

    async def _judge(self, stopping: asyncio.Event) -> None:
        if not await _either(self._reader.caught_up, stopping):
            return
        await self._client.start()
        try:
            self._client.subscribe([SENDS.name, HITS.name], listener=_Listener(self))
            while not stopping.is_set():
                await self._turn(stopping)
            await self._commit()
        finally:
            await self._client.stop()

    def assigned(self) -> None:
        """The group has given us partitions, or none."""
        self._assigned = True

    async def revoked(self) -> None:
        """What is done is committed before another member goes on."""
        await self._commit_done()

    async def _turn(self, stopping: asyncio.Event) -> None:
        if not await self._follow_assignment(stopping):
            return
        wait_s = self._wait_s()
        batches: Batches = await self._client.getmany(
            timeout_ms=int(wait_s * 1000), max_records=self._settings.batch
        )
        # records of a partition that was assigned meanwhile wait here until its shard is there
        if self._assigned:
            if not await self._follow_assignment(stopping):
                return
            batches = await self._still_next(batches)
        if (batches or self._is_due()) and not await self._process(batches, stopping):
            return
        if time.monotonic() - self._committed_at >= self._settings.commit_interval_s:
            await self._commit()
        self._evict()
        await self._report(batches)

    def _wait_s(self) -> float:
        """For records, at most: until a commit is due, or the next hold ends."""
        wait_s = self._settings.commit_interval_s if self._done else _POLL_S
        due = min((due for due in self._next_due() if due is not None), default=None)
        if due is None:
            return wait_s
        return max(0.0, min(wait_s, (due - datetime.now(UTC)).total_seconds()))

    async def _still_next(self, batches: Batches) -> Batches:
        """Without what will be read again, since its partition is gone or was begun anew from its commit:
        processed now, its commit would pass over what was never judged."""
        ours = self._client.assignment()
        return {
            partition: records
            for partition, records in batches.items()
            if records
            and partition in ours
            and await self._client.position(partition) == records[-1].offset + 1
        }

    async def _process(self, batches: Batches, stopping: asyncio.Event) -> bool:
        """Whether the effects of the batches are acknowledged; False when the process is stopping first."""
        telling = Telling(self._kafka.partitions, self._relations)
        now = datetime.now(UTC)
        done: dict[TopicPartition, int] = {}
        counts: Counter[str] = Counter()
        for partition in sorted(batches, key=lambda one: one.topic != SENDS.name):  # sends first: less waits
            held, records = self._held.get(partition.partition), batches[partition]
            if held is not None and records:
                telling.take(held, self._revocations, records, now)
                done[partition] = records[-1].offset + 1
                counts[partition.topic] += len(records)
        for held in self._held.values():
            if telling.release(held, self._revocations, now):
                partition = TopicPartition(HITS.name, held.number)
                done[partition] = held.positions[HITS.name]
        if not await self._retried(lambda: self._publish(telling), stopping):
            return False
        self._done |= {partition: self._told_through(partition, offset) for partition, offset in done.items()}
        self._dead_letters.fine(counts.total())
        telling.measure(counts)
        return True

    def _is_due(self) -> bool:
        """Whether a hold has ended."""
        now = datetime.now(UTC)
        return any(due is not None and due <= now for due in self._next_due())

    def _next_due(self) -> list[datetime | None]:
        return [held.shard.next_due for held in self._held.values()]

    def _told_through(self, partition: TopicPartition, offset: int) -> int:
        """How far may be committed: not beyond a hit that is held, which would be lost with this process."""
        if partition.topic != HITS.name or partition.partition not in self._held:
            return offset
        return min(offset, self._held[partition.partition].told_through)

    async def _publish(self, telling: Telling) -> None:
        if telling.records:
            await self._publisher.publish_batches(telling.records)
            telling.records.clear()
        while telling.aside:
            await self._dead_letters.put(*telling.aside[0])
            del telling.aside[0]

    async def _retried(self, action: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> bool:
        """Until it works; waiting on purpose is no stall. False when the process is stopping first."""
        for attempt in itertools.count():
            try:
                await action()
            except (KafkaError, PublishFailed) as error:
                HANDLER_RETRIES.labels(HITS.name).inc()
                pause = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
                log.warning("waiting for the broker", error=type(error).__name__, pause_s=pause)
                if await _set_within(stopping, pause):
                    return False
                self._moved()
            else:
                return True
        raise AssertionError("unreachable")

    async def _follow_assignment(self, stopping: asyncio.Event) -> bool:
        """Whether there is a shard for every assigned partition; False when the process is stopping."""
        while self._assigned:
            self._assigned = False
            if not await self._retried(self._take_over, stopping):
                return False
            self._progress.ready(LOOP)
        return True

    async def _take_over(self) -> None:
        """Keep the shards that nobody else went on with, rebuild the others."""
        await self._check_epoch()
        partitions = self._client.assignment()
        committed = await self._committed(partitions)
        numbers = {partition.partition for partition in partitions}
        kept = {number: held for number, held in self._held.items() if _is_current(held, committed)}
        self._held = {number: kept[number] for number in numbers & kept.keys()}
        missing = numbers - self._held.keys()
        if missing:
            rebuilt = await self._rebuilder.rebuild(missing, committed)
            self._held |= rebuilt
            await self._go_on_from({one: at for one, at in committed.items() if one.partition in rebuilt})
        self._done = {
            partition: offset
            for partition, offset in self._done.items()
            if partition.partition in numbers - missing
        }
        log.info("partitions assigned", kept=len(self._held) - len(missing), rebuilt=len(missing))

    async def _committed(self, partitions: Collection[TopicPartition]) -> Committed:
        """All at once: one by one, each waits for a turn of the client, and hundreds wait for a minute."""
        found = await asyncio.gather(*(self._client.committed(partition) for partition in partitions))
        return dict(zip(partitions, found, strict=True))

    async def _go_on_from(self, committed: Committed) -> None:
        """Where the shards are. The client may be ahead: a commit of what it has read has failed."""
        fresh = [partition for partition, offset in committed.items() if offset is None]
        if fresh:
            await self._client.seek_to_beginning(*fresh)
        for partition, offset in committed.items():
            if offset is not None:
                self._client.seek(partition, offset)

    async def _check_epoch(self) -> None:
        epoch = await cluster_epoch(self._kafka)
        if not self._cache.belongs_to(epoch):
            log.info("another cluster: starting over")
            self._held.clear()
            self._done.clear()
            self._look.ends.clear()
            self._cache.start_over(epoch)
            self._reader.start_over()

    async def _commit(self) -> None:
        """Commit what is done, then let the cache have what is behind it."""
        if not self._done:
            return
        self._committed_at = time.monotonic()
        if not await self._commit_done():
            return
        for held in self._held.values():
            if held.shard.unsaved:
                self._cache.write(held.number, held.shard.take_unsaved(), held.offsets)

    async def _commit_done(self) -> bool:
        ours = self._client.assignment()
        done = {partition: offset for partition, offset in self._done.items() if partition in ours}
        self._done = {}
        try:
            if done:
                await self._client.commit(done)
        except CommitFailedError:
            log.info("lost partitions before the commit; their new owner repeats the batch")
            self._held.clear()
            self._assigned = bool(self._client.assignment())
            return False
        except KafkaError as error:
            log.warning("commit failed; the next one covers it", error=type(error).__name__)
            self._done = done | self._done
            return False
        return True

    def _evict(self) -> None:
        if time.monotonic() - self._evicted_at < _EVICT_EVERY_S:
            return
        self._evicted_at = time.monotonic()
        for held in self._held.values():
            held.shard.evict(datetime.now(UTC))

    async def _report(self, batches: Batches) -> None:
        """A turn counts as progress when the position moved or nothing waits (the watchdog reads it)."""
        HELD_HITS.set(sum(held.shard.holding for held in self._held.values()))
        PENDING_HITS.set(sum(held.shard.pending for held in self._held.values()))
        lags = {partition: await self._lag(partition) for partition in self._client.assignment()}
        self._lag_gauge.show(lags)
        if batches or not (any(lags.values()) or await self._look.stalled()):
            self._moved()

    async def _lag(self, partition: TopicPartition) -> int:
        """The higher of two words: the fetch's high watermark, which a stalled fetch leaves old, and
        ListOffsets, which is too low on the embedded broker."""
        held = self._held.get(partition.partition)
        high = max(self._client.highwater(partition) or 0, self._look.ends.get(partition, 0))
        if held is None or high <= held.positions[partition.topic]:
            return 0
        return max(0, int(high - await self._client.position(partition)))

    def _moved(self) -> None:
        self._progress.moved(LOOP)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, loop: TrackerLoop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Before another member gets them."""
        await self._loop.revoked()

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """A member without partitions is ready too: it stands by."""
        self._loop.assigned()


def _is_current(held: Held, committed: Committed) -> bool:
    """Whether nobody went on from where this shard is; None committed: another cluster, or a new group."""
    for topic, position in held.positions.items():
        offset = committed.get(TopicPartition(topic, held.number))
        if (offset or 0) > position or (offset is None and position > 0):
            return False
    return True


async def _either(wanted: asyncio.Event, stopping: asyncio.Event) -> bool:
    """Wait for either; whether it was the wanted one."""
    waits = [asyncio.create_task(event.wait()) for event in (wanted, stopping)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return wanted.is_set()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
