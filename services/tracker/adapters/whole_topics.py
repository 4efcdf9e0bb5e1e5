"""Topics from their beginning to where they end now, outside of any group; for commands."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from services.tracker.revocations import Revocations
from shared.bus.consumer import consumer_client
from shared.events.catalogue import REVOCATIONS, Topic
from shared.events.codec import UndecodableEvent, decode
from shared.events.revocations import RevocationEvent
from shared.settings import KafkaSettings

_POLL_MS = 500
_NOTHING_CAME_S = 30.0


@asynccontextmanager
async def reading(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that joins no group and commits nothing. Raises KafkaError."""
    client = consumer_client(settings, None)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def records(client: AIOKafkaConsumer, topic: Topic, partitions: int) -> AsyncIterator[Any]:
    """Every record that is there when it is begun; per partition in order. Raises KafkaError."""
    left = {TopicPartition(topic.name, number) for number in range(partitions)}
    client.assign(list(left))
    await client.seek_to_beginning(*left)
    ends: dict[TopicPartition, int] = {}
    came_at = time.monotonic()
    while left:
        batches = await client.getmany(*left, timeout_ms=_POLL_MS)
        if batches:
            came_at = time.monotonic()
        elif time.monotonic() - came_at > _NOTHING_CAME_S:
            raise KafkaTimeoutError("the records do not come")
        for partition in left:
            if partition not in ends and (high := client.highwater(partition)) is not None:
                ends[partition] = high
        for partition, found in batches.items():
            for record in found:
                if record.offset < ends[partition]:
                    yield record
        left = {
            partition
            for partition in left
            if partition not in ends or await client.position(partition) < ends[partition]
        }


async def oldest(client: AIOKafkaConsumer, topic: Topic, partitions: int) -> datetime | None:
    """When the first record that is still there was written; None: there is none. Raises KafkaError."""
    firsts: dict[int, datetime] = {}
    async for record in _firsts(client, topic, partitions):
        firsts[record.partition] = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return min(firsts.values(), default=None)


async def _firsts(client: AIOKafkaConsumer, topic: Topic, partitions: int) -> AsyncIterator[Any]:
    """The first record of each partition that has one."""
    left = {TopicPartition(topic.name, number) for number in range(partitions)}
    client.assign(list(left))
    await client.seek_to_beginning(*left)
    came_at = time.monotonic()
    while left and time.monotonic() - came_at < _NOTHING_CAME_S:
        for partition, found in (await client.getmany(*left, timeout_ms=_POLL_MS)).items():
            if found:
                yield found[0]
                left.discard(partition)
        empty = {one for one in left if client.highwater(one) == 0 or await _at_end(client, one)}
        left -= empty


async def _at_end(client: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    high = client.highwater(partition)
    return high is not None and await client.position(partition) >= high


async def all_revocations(client: AIOKafkaConsumer, partitions: int) -> Revocations:
    """The last word on every subject. Raises KafkaError."""
    known = Revocations()
    async for record in records(client, REVOCATIONS, partitions):
        try:
            event = decode(REVOCATIONS.name, record.value)
        except UndecodableEvent:
            continue  # ingest, which serves, sets it aside
        if isinstance(event, RevocationEvent):
            known.apply(event)
    return known
