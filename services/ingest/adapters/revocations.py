"""Following email.revocations from its beginning, without a group: every replica needs all of it."""

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.ingest.revoked import Revoked
from shared.bus.connection import cluster_epoch
from shared.bus.consumer import consumer_client
from shared.bus.topics import partitions_of
from shared.events.catalogue import REVOCATIONS
from shared.events.codec import UndecodableEvent, decode
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import CONSUMER_LAG, EVENTS_CONSUMED

log = structlog.get_logger(__name__)

_LOOP = "revocations"
_POLL_MS = 1000
_FETCH_WAIT_MS = 500  # revocations are rare and half a second is soon enough: no hot polling
_REQUEST_TIMEOUT_MS = 10_000
_TRY_AGAIN_AFTER_S = 1.0
_LOOK_AT_CLUSTER_EVERY_S = 10.0


class RevocationFollower:
    """Keeps `revoked` up to date; ready once all that was there at the start is read."""

    def __init__(self, settings: KafkaSettings, revoked: Revoked, progress: Progress) -> None:
        self._settings = settings
        self._revoked = revoked
        self._progress = progress
        progress.expect(_LOOP)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow until `stopping`; begin anew when the broker was away or is another one."""
        following = asyncio.create_task(self._follow_for_ever())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if following.done():
            following.result()  # it only ends by failing
        following.cancel()  # in the midst of whatever it waits for: a silent broker must not delay the end
        await asyncio.wait({following})

    async def _follow_for_ever(self) -> None:
        while True:
            client = consumer_client(
                self._settings,
                None,
                fetch_max_wait_ms=_FETCH_WAIT_MS,
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
            )
            try:
                await client.start()
                await self._follow(client)
            except (KafkaError, OSError) as error:
                log.warning("revocations can't be followed", error=type(error).__name__)
            finally:
                await client.stop()
            self._progress.moved(_LOOP)
            await asyncio.sleep(_TRY_AGAIN_AFTER_S)

    async def _follow(self, client: AIOKafkaConsumer) -> None:
        """Return when it has to begin anew."""
        numbers = await partitions_of(self._settings, REVOCATIONS)
        if not numbers:
            log.warning("the broker has not got the topic yet", topic=REVOCATIONS.name)
            return
        partitions = [TopicPartition(REVOCATIONS.name, number) for number in numbers]
        client.assign(partitions)
        cluster, looked_at = await self._cluster(), time.monotonic()
        while True:
            batches = await client.getmany(timeout_ms=_POLL_MS)
            for batch in batches.values():
                for record in batch:
                    self._apply(record.value)
            if await self._lag(client, partitions) == 0:
                self._progress.ready(_LOOP)
            self._progress.moved(_LOOP)
            if time.monotonic() - looked_at >= _LOOK_AT_CLUSTER_EVERY_S:
                looked_at = time.monotonic()
                if await self._cluster() != cluster:
                    log.info("another broker is there; reading its revocations from the beginning")
                    return

    async def _cluster(self) -> str:
        """Which broker this is. TimeoutError from one that is silent."""
        async with asyncio.timeout(_REQUEST_TIMEOUT_MS / 1000):
            return await cluster_epoch(self._settings)

    def _apply(self, value: bytes | None) -> None:
        try:
            self._revoked.apply(decode(REVOCATIONS.name, value))
        except UndecodableEvent as error:
            log.error("left out a revocation that can't be read", reason=error.reason)
        else:
            EVENTS_CONSUMED.labels(REVOCATIONS.name).inc()

    async def _lag(self, client: AIOKafkaConsumer, partitions: list[TopicPartition]) -> int | None:
        """Messages still to read; None while a partition has not been fetched from once.

        From the fetch's high watermark: ListOffsets is wrong on the embedded broker.
        """
        total = 0
        for partition in partitions:
            high = client.highwater(partition)
            if high is None:
                return None
            lag = max(0, high - await client.position(partition))
            CONSUMER_LAG.labels(partition.topic, partition.partition).set(lag)
            total += lag
        return total
