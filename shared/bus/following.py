"""Following a compacted topic from its beginning, without a group: every replica needs all of it."""

import asyncio
import time
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus.connection import cluster_epoch
from shared.bus.consumer import consumer_client
from shared.bus.topics import partitions_of
from shared.events.base import Event
from shared.events.catalogue import Topic
from shared.events.codec import UndecodableEvent, decode
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import CONSUMER_LAG, EVENTS_CONSUMED

log = structlog.get_logger(__name__)

_POLL_MS = 1000
_FETCH_WAIT_MS = 500  # its events are rare and half a second is soon enough: no hot polling
_REQUEST_TIMEOUT_MS = 10_000
_TRY_AGAIN_AFTER_S = 1.0
_LOOK_AT_CLUSTER_EVERY_S = 10.0


class TopicFollower:
    """Hands every event of the topic to `take`; ready, as `loop`, once all that was there at first is read.

    After the broker was away, or is another one, it hands all of them over again.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: Topic,
        take: Callable[[Event], None],
        progress: Progress,
        loop: str,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._take = take
        self._progress = progress
        self._loop = loop
        self._caught_up = False
        progress.expect(loop)

    @property
    def caught_up(self) -> bool:
        """Whether all that was there at the start is read."""
        return self._caught_up

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
                log.warning("a topic can't be followed", topic=self._topic.name, error=type(error).__name__)
            finally:
                await client.stop()
            self._progress.moved(self._loop)
            await asyncio.sleep(_TRY_AGAIN_AFTER_S)

    async def _follow(self, client: AIOKafkaConsumer) -> None:
        """Return when it has to begin anew."""
        numbers = await partitions_of(self._settings, self._topic)
        if not numbers:
            log.warning("the broker has not got the topic yet", topic=self._topic.name)
            return
        partitions = [TopicPartition(self._topic.name, number) for number in numbers]
        client.assign(partitions)
        cluster, looked_at = await self._cluster(), time.monotonic()
        while True:
            batches = await client.getmany(timeout_ms=_POLL_MS)
            for batch in batches.values():
                for record in batch:
                    self._apply(record.value)
            if await self._lag(client, partitions) == 0:
                self._caught_up = True
                self._progress.ready(self._loop)
            self._progress.moved(self._loop)
            if time.monotonic() - looked_at >= _LOOK_AT_CLUSTER_EVERY_S:
                looked_at = time.monotonic()
                if await self._cluster() != cluster:
                    log.info("another broker is there; reading its topic anew", topic=self._topic.name)
                    return

    async def _cluster(self) -> str:
        """Which broker this is. TimeoutError from one that is silent."""
        async with asyncio.timeout(_REQUEST_TIMEOUT_MS / 1000):
            return await cluster_epoch(self._settings)

    def _apply(self, value: bytes | None) -> None:
        try:
            self._take(decode(self._topic.name, value))
        except UndecodableEvent as error:
            log.error("left out an event that can't be read", topic=self._topic.name, reason=error.reason)
        else:
            EVENTS_CONSUMED.labels(self._topic.name).inc()

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
