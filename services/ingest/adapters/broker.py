"""Kafka for ingest: hits in batches per partition, sends one by one, connected whenever it can be."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.adapters.group_produce import BATCH_BYTES, produce_group
from services.ingest.durability import BrokerAway
from services.ingest.model import Record
from shared.bus.connection import client_options
from shared.bus.partitions import partition_of
from shared.bus.producer import PublishFailed, stop_producer
from shared.events.base import Event
from shared.events.catalogue import HITS, SENDS, topic_of
from shared.events.codec import encode
from shared.settings import KafkaSettings
from shared.telemetry.names import EVENTS_PUBLISHED
from shared.telemetry.tracing import KafkaHeaders

log = structlog.get_logger(__name__)

_MOST_PUBLISHING = 256  # sends on their way; more are refused instead of piling up
_TRY_AGAIN_AFTER_S = 1.0
_CONNECT_ANEW_AFTER = 3  # failures in a row: stale addresses or a dead sender are then left behind


class KafkaBroker:
    """Connects in the background; what can't be had now is refused at once, never queued."""

    def __init__(self, settings: KafkaSettings, *, timeout_ms: int) -> None:
        self._options = {
            **client_options(settings),
            "acks": "all",
            "max_batch_size": BATCH_BYTES,
            "request_timeout_ms": timeout_ms,
            "metadata_max_age_ms": 60_000,
        }
        self._timeout_ms = timeout_ms
        self._timeout_s = timeout_ms / 1000
        self._producer: AIOKafkaProducer | None = None
        self._failures = 0
        self._failed = asyncio.Event()
        self._publishing = asyncio.Semaphore(_MOST_PUBLISHING)

    @property
    def connected(self) -> bool:
        """Whether a broker has been reached and has the topics."""
        return self._producer is not None

    async def run(self, stopping: asyncio.Event) -> None:
        """Stay connected until `stopping`."""
        while not stopping.is_set():
            if self._producer is None:
                self._producer = await self._connected()
            self._failed.clear()
            waits = {asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(self._failed.wait())}
            timeout = None if self.connected else _TRY_AGAIN_AFTER_S
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._failures >= _CONNECT_ANEW_AFTER:
                await self.stop()

    async def stop(self) -> None:
        """Disconnect; what is still on its way is given a moment."""
        producer, self._producer, self._failures = self._producer, None, 0
        if producer is not None:
            await stop_producer(producer, self._timeout_s)

    async def _connected(self) -> AIOKafkaProducer | None:
        producer = AIOKafkaProducer(**self._options)
        try:
            await producer.start()
            known = await producer.client.fetch_all_metadata()
            missing = {HITS.name, SENDS.name} - known.topics()
            if not missing:
                await producer.partitions_for(HITS.name)
                await producer.partitions_for(SENDS.name)
                log.info("connected to the broker")
                return producer
            log.warning("the broker has not got the topics yet", missing=sorted(missing))
        except (KafkaError, OSError) as error:
            log.warning("no broker can be reached", error=type(error).__name__)
        await stop_producer(producer, 1.0)
        return None

    async def produce_group(self, records: Sequence[Record]) -> None:
        """One try, at once, for hits that readers wait for. Raises BrokerAway."""
        producer = self._there()
        try:
            await produce_group(
                producer.client, HITS.name, await _by_partition(producer, records), self._timeout_ms
            )
        except (KafkaError, NotImplementedError) as error:  # the latter: no common version
            self._failure()
            raise BrokerAway(type(error).__name__) from error
        self._success(len(records))

    async def produce(self, records: Sequence[Record]) -> None:
        """Return once all hits are acknowledged, after retries. Raises BrokerAway; they may be there."""
        producer = self._there()
        try:
            sent = []
            for partition, members in (await _by_partition(producer, records)).items():
                for batch in _batches(producer, members):
                    acknowledged = await producer.send_batch(batch, HITS.name, partition=partition)
                    acknowledged.add_done_callback(_look_at)
                    sent.append(acknowledged)
            await _all_acknowledged(sent)
        except KafkaError as error:
            self._failure()
            raise BrokerAway(type(error).__name__) from error
        self._success(len(records))

    def _there(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise BrokerAway("not connected")
        return self._producer

    def _success(self, count: int) -> None:
        self._failures = 0
        EVENTS_PUBLISHED.labels(HITS.name).inc(count)

    async def publish(self, event: Event, headers: KafkaHeaders) -> None:
        """One event of the send API, acknowledged. Raises PublishFailed."""
        if self._producer is None:
            raise PublishFailed("not connected")
        if self._publishing.locked():
            raise PublishFailed("too much is on its way")
        topic = topic_of(event).name
        async with self._publishing:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._producer.send_and_wait(
                        topic, encode(event), key=event.key().encode(), headers=list(headers)
                    )
            except (KafkaError, TimeoutError) as error:
                self._failure()
                raise PublishFailed(type(error).__name__) from error
        self._failures = 0
        EVENTS_PUBLISHED.labels(topic).inc()

    def _failure(self) -> None:
        self._failures += 1
        self._failed.set()


async def _by_partition(producer: AIOKafkaProducer, records: Sequence[Record]) -> dict[int, list[Record]]:
    partitions = len(await producer.partitions_for(HITS.name))
    members: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        members[partition_of(record.key, partitions)].append(record)
    return members


def _batches(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[Any]:
    """Builders filled with the records, in order."""
    batch = producer.create_batch()
    batches = [batch]
    for record in records:
        headers = list(record.headers)
        if batch.append(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
            batch = producer.create_batch()
            batches.append(batch)
            batch.append(timestamp=None, key=record.key, value=record.value, headers=headers)
    for full in batches:
        full.close()
    return batches


async def _all_acknowledged(sent: "list[asyncio.Future[Any]]") -> None:
    if len(sent) > 1:
        await asyncio.wait(sent)
    for acknowledged in sent:
        await asyncio.shield(acknowledged)


def _look_at(acknowledged: "asyncio.Future[Any]") -> None:
    """A failure that nobody waits for any more is no news: its hits are in the spool."""
    if not acknowledged.cancelled():
        acknowledged.exception()
