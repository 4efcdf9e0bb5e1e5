"""Publishing events: done when the broker has acknowledged them.

No producer here is idempotent (ADR 0007): its batches never expire, so that neither a publication nor the
end of the process would ever be done while the broker is away (aiokafka #1101, #1017).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.events.base import Event
from shared.events.catalogue import topic_of
from shared.events.codec import encode
from shared.settings import KafkaSettings
from shared.telemetry.names import EVENTS_PUBLISHED
from shared.telemetry.tracing import KafkaHeaders, kafka_headers

log = structlog.get_logger(__name__)

_CONNECT_ANEW_AFTER = 3  # failures in a row
_STOP_WITHIN_S = 1.0
RawRecord = tuple[bytes, bytes, KafkaHeaders]  # key, value, headers
Place = tuple[str, int]  # topic, partition


class PublishFailed(RuntimeError):
    """The broker did not acknowledge in time; the event may or may not be there."""


class EventPublisher:
    """Publishes events of the catalogue with acks=all.

    After some failures in a row it connects anew: a client whose sender has died fails for ever.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        timeout_s: float = 10.0,
        linger_ms: int = 0,
        max_batch_bytes: int = 16_384,
    ) -> None:
        self._timeout_s = timeout_s
        self._options = {
            **client_options(settings),
            "acks": "all",
            "linger_ms": linger_ms,
            "max_batch_size": max_batch_bytes,
            "request_timeout_ms": int(timeout_s * 1000),
        }
        self._producer = AIOKafkaProducer(**self._options)
        self._failures = 0
        self._connecting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect. Raises KafkaConnectionError when no broker answers."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        for leaving in self._leaving:
            leaving.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._producer.stop()

    async def publish(self, event: Event, headers: KafkaHeaders | None = None) -> None:
        """One event, in the current trace unless headers are given. Raises PublishFailed."""
        await self.publish_all([(event, headers)])

    async def publish_all(self, events: Iterable[tuple[Event, KafkaHeaders | None]]) -> None:
        """Several events, in order per key; returns when all are acknowledged, else PublishFailed."""
        current = kafka_headers()
        async with self._sending() as producer:
            sent = [
                await producer.send(
                    topic_of(event).name,
                    encode(event),
                    key=event.key().encode(),
                    headers=list(headers if headers is not None else current),
                )
                for event, headers in events
            ]
            for acknowledged in sent:
                record = await acknowledged
                EVENTS_PUBLISHED.labels(record.topic).inc()

    async def publish_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: KafkaHeaders
    ) -> None:
        """Bytes as they are: for dead letters and their replay. Raises PublishFailed."""
        async with self._sending() as producer:
            await producer.send_and_wait(topic, value, key=key, headers=list(headers))

    async def publish_batches(self, batches: Mapping[Place, Sequence[RawRecord]]) -> None:
        """Encoded events whose partitions the caller knows, in order per partition; the cheapest way for
        many at once. Returns when all are acknowledged, else PublishFailed."""
        async with self._sending() as producer:
            sent = [await _send(producer, place, records) for place, records in batches.items()]
            for acknowledged in [future for futures in sent for future in futures]:
                await acknowledged
        for (topic, _), records in batches.items():
            EVENTS_PUBLISHED.labels(topic).inc(len(records))

    @asynccontextmanager
    async def _sending(self) -> AsyncIterator[AIOKafkaProducer]:
        """Within the time for one publication. Raises PublishFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._failures >= _CONNECT_ANEW_AFTER:
                    await self._connect_anew()
                yield self._producer
        except (KafkaError, TimeoutError) as error:
            self._failures += 1
            raise PublishFailed(type(error).__name__) from error
        self._failures = 0

    async def _connect_anew(self) -> None:
        async with self._connecting:
            if self._failures < _CONNECT_ANEW_AFTER:
                return  # somebody else just did
            fresh = AIOKafkaProducer(**self._options)
            try:
                await fresh.start()
            except BaseException:
                await stop_producer(fresh, _STOP_WITHIN_S)
                raise
            old, self._producer, self._failures = self._producer, fresh, 0
            leaving = asyncio.create_task(stop_producer(old, self._timeout_s))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            log.info("connected to the broker anew")


async def stop_producer(producer: AIOKafkaProducer, within_s: float) -> None:
    """Stop it, whatever it says; only a cancellation of the caller itself is raised."""
    try:
        async with asyncio.timeout(within_s):
            await producer.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.info("a connection to the broker did not end in order", error=type(error).__name__)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise


async def _send(producer: AIOKafkaProducer, place: Place, records: Sequence[RawRecord]) -> list[Any]:
    topic, partition = place
    batch, sent = producer.create_batch(), []
    for key, value, headers in records:
        if batch.append(key=key, value=value, timestamp=None, headers=list(headers)) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=list(headers))
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent
