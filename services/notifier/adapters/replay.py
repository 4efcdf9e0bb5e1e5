"""What one client missed, read from Kafka by a short-lived reader of its partition."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.notifier.model import Entry, ReplayExpired, ReplayUnavailable, Unreadable, read_entry
from shared.bus.consumer import consumer_client
from shared.events.catalogue import NOTIFICATIONS
from shared.settings import KafkaSettings

_POLL_MS = 500
_COPIES = 2  # an event may stand there twice; what is folded is told less often than it happened


class Replays:
    """Reads stretches of the log, a few at a time."""

    def __init__(
        self, kafka: KafkaSettings, *, records: int, events: int, deadline_s: float, at_once: int
    ) -> None:
        self._kafka = kafka
        self._records = records
        self._events = events
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(at_once)

    async def read(self, partition: int, start: int, end: int, user_id: str) -> list[Entry]:
        """The user's events from `start` up to `end` (exclusive). Raises ReplayExpired, ReplayUnavailable."""
        if end - start > self._records:
            raise ReplayExpired
        try:
            async with self._turns, asyncio.timeout(self._deadline_s):
                return await self._read(TopicPartition(NOTIFICATIONS.name, partition), start, end, user_id)
        except (KafkaError, TimeoutError, OSError) as error:
            raise ReplayUnavailable(type(error).__name__) from error

    async def _read(self, partition: TopicPartition, start: int, end: int, user_id: str) -> list[Entry]:
        client = consumer_client(self._kafka, None)
        await client.start()
        try:
            client.assign([partition])
            if (await client.beginning_offsets([partition]))[partition] > start:
                raise ReplayExpired
            client.seek(partition, start)
            return await self._until(client, partition, end, user_id.encode())
        finally:
            await client.stop()

    async def _until(
        self, client: AIOKafkaConsumer, partition: TopicPartition, end: int, key: bytes
    ) -> list[Entry]:
        entries = []
        while await client.position(partition) < end:
            records = (await client.getmany(partition, timeout_ms=_POLL_MS)).get(partition, [])
            for record in records:
                if record.key != key or record.offset >= end:
                    continue
                try:
                    at = record.timestamp / 1000
                    entries.append(read_entry(partition.partition, record.offset, at, record.value))
                except Unreadable:  # counted when it was read live
                    continue
            if len(entries) > _COPIES * self._events:
                raise ReplayExpired
        return entries
