"""Rebuilding the shards of partitions: everything that was committed, read again without a word.

First email.sends from where the cache ends, then email.hits from one horizon before the committed offset
(or from where the cache ends, if that is earlier: what it lacks may be a first open). Both stop at the
committed offset; from there the live loop goes on, and what it repeats has the same ids.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from services.tracker import handlers
from services.tracker.adapters.cache import Offsets, SendCache
from services.tracker.adapters.set_aside import places_set_aside
from services.tracker.revocations import Revocations
from services.tracker.settings import TrackerSettings
from services.tracker.shard import Shard
from shared.bus.consumer import Place, consumer_client
from shared.events.base import Event
from shared.events.catalogue import HITS, SENDS
from shared.events.codec import UndecodableEvent, decode
from shared.settings import KafkaSettings

log = structlog.get_logger(__name__)

_POLL_MS = 500
_FLUSH_EVERY = 20_000  # records
_MARGIN = timedelta(hours=1)  # what a hit at the horizon depends on: its reading, its repetitions
_AT_ONCE = 5_000
_NOTHING_CAME_S = 30.0  # then a new client is tried: this one may have stalled

Committed = Mapping[TopicPartition, int | None]


@dataclass(slots=True)
class Held:
    """A shard and up to where (exclusive) each topic is folded into it."""

    number: int
    shard: Shard
    positions: dict[str, int] = field(default_factory=dict)

    @property
    def offsets(self) -> Offsets:
        """The same for the cache; of hits, not beyond one that is still held."""
        return Offsets(self.positions[SENDS.name], self.told_through)

    @property
    def told_through(self) -> int:
        """Up to where (exclusive) all of email.hits is told, too."""
        position, held_from = self.positions[HITS.name], self.shard.held_from
        return position if held_from is None else min(position, held_from)


class Rebuilder:
    """Makes shards for partitions that this process has just been given, without what `group` set aside."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: TrackerSettings,
        cache: SendCache,
        revocations: Revocations,
        moved: Callable[[], None],
        group: str,
    ) -> None:
        self._kafka = kafka
        self._group = group
        self._aside: frozenset[Place] = frozenset()
        self._settings = settings
        self._cache = cache
        self._revocations = revocations
        self._moved = moved

    async def rebuild(self, numbers: Iterable[int], committed: Committed) -> dict[int, Held]:
        """Shards by partition number. Raises KafkaError when the broker goes away or tells no more."""
        held = {number: self._empty(number, committed) for number in numbers}
        if not any(self._has_more(one) for one in held.values()):
            return held
        client = consumer_client(self._kafka, None, max_poll_records=_AT_ONCE)
        await client.start()
        try:
            self._aside = await places_set_aside(client, self._group)
            await self._read_sends(client, held)
            await self._read_hits(client, held)
        finally:
            await client.stop()
        for one in held.values():
            self._cache.write(one.number, one.shard.take_unsaved(), one.offsets)
        return held

    def _empty(self, number: int, committed: Committed) -> Held:
        shard = Shard(
            partial(self._cache.get, number),
            self._settings.horizon,
            self._settings.memory_messages,
            self._settings.hold,
            self._settings.rules,
        )
        positions = {
            topic.name: committed.get(TopicPartition(topic.name, number)) or 0 for topic in (SENDS, HITS)
        }
        return Held(number, shard, positions)

    def _has_more(self, one: Held) -> bool:
        """Whether there is anything to read. A client that is stopped before it did anything fails: aiokafka
        cancels a task of its own that never began, and passes the cancellation on."""
        return self._cached(one).sends < one.offsets.sends or one.offsets.hits > 0

    def _cached(self, one: Held) -> Offsets:
        """Where the cache ends; zeros if it claims more than was committed: it is not this group's then."""
        cached = self._cache.offsets(one.number)
        is_ahead = cached.sends > one.offsets.sends or cached.hits > one.offsets.hits
        return Offsets(0, 0) if is_ahead else cached

    async def _read_sends(self, client: AIOKafkaConsumer, held: Mapping[int, Held]) -> None:
        starts = {TopicPartition(SENDS.name, one.number): self._cached(one).sends for one in held.values()}
        count = 0
        async for record in self._until_committed(client, starts, held):
            count += 1
            self._fold(held[record.partition], record)
            if count % _FLUSH_EVERY == 0:
                self._flush_sends(held)
        self._flush_sends(held)
        log.info("sent mail is known", partitions=len(held), read=count)

    def _flush_sends(self, held: Mapping[int, Held]) -> None:
        """What is read stays beyond memory; offsets stay as they were until all is read."""
        for one in held.values():
            self._cache.write(one.number, one.shard.take_unsaved(), self._cached(one))

    async def _read_hits(self, client: AIOKafkaConsumer, held: Mapping[int, Held]) -> None:
        starts = {
            TopicPartition(HITS.name, one.number): await self._first_hit(client, one) for one in held.values()
        }
        count = 0
        async for record in self._until_committed(client, starts, held):
            count += 1
            self._fold(held[record.partition], record)
            if count % _FLUSH_EVERY == 0:
                for one in held.values():
                    one.shard.evict(_time_of(record))
        log.info("recent hits are known", partitions=len(held), read=count)

    async def _first_hit(self, client: AIOKafkaConsumer, one: Held) -> int:
        partition, cached = TopicPartition(HITS.name, one.number), self._cached(one).hits
        last = await self._last_committed_at(client, partition, one.positions[HITS.name])
        if cached == 0 or last is None:
            return cached
        since = last - self._settings.horizon - _MARGIN
        found = (await client.offsets_for_times({partition: int(since.timestamp() * 1000)}))[partition]
        return cached if found is None else min(cached, found.offset)

    async def _last_committed_at(
        self, client: AIOKafkaConsumer, partition: TopicPartition, committed: int
    ) -> datetime | None:
        """When the last committed hit was written; None if it is gone or there was none."""
        if committed == 0:
            return None
        client.assign([partition])
        client.seek(partition, committed - 1)
        records = (await client.getmany(timeout_ms=_POLL_MS, max_records=1)).get(partition, [])
        return _time_of(records[0]) if records and records[0].offset < committed else None

    async def _until_committed(
        self, client: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], held: Mapping[int, Held]
    ) -> AsyncIterator[Any]:
        ends = {partition: held[partition.partition].positions[partition.topic] for partition in starts}
        left = {partition for partition in starts if starts[partition] < ends[partition]}
        if not left:
            return
        client.assign(list(left))
        for partition in left:
            client.seek(partition, starts[partition])
        came_at = time.monotonic()
        while left:
            batches = await client.getmany(*left, timeout_ms=_POLL_MS)
            self._moved()
            if batches:
                came_at = time.monotonic()
            elif time.monotonic() - came_at > _NOTHING_CAME_S:
                raise KafkaTimeoutError("the committed records do not come")
            for partition, records in batches.items():
                for record in records:
                    if record.offset < ends[partition] and (*partition, record.offset) not in self._aside:
                        yield record
            left = {partition for partition in left if not await _is_read(client, partition, ends[partition])}

    def _fold(self, one: Held, record: Any) -> None:
        event = _event(record)
        if event is None:
            return
        try:
            handlers.handle(one.shard, self._revocations, event, _time_of(record), again=True)
        except Exception as error:  # noqa: BLE001 - it is among the dead letters since it came first
            log.warning("a message failed again", topic=record.topic, error=type(error).__name__)


async def _is_read(client: AIOKafkaConsumer, partition: TopicPartition, end: int) -> bool:
    """Up to `end`, or to the end of the log when records before `end` are gone."""
    position = await client.position(partition)
    high = client.highwater(partition)
    return position >= end or (high is not None and position >= high)


def _event(record: Any) -> Event | None:
    try:
        return decode(record.topic, record.value)
    except UndecodableEvent:
        return None  # among the dead letters since it came first


def _time_of(record: Any) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
