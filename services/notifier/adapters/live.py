"""The topic `notifications`, all partitions, without a group: every replica reads all of it.

It begins a ring span ago and is ready once it has caught up. When the broker turns out to be another
one (the embedded broker forgets all on restart) it begins anew, with fresh cursors.
"""

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.notifier.handlers import Hub, utc_now
from shared.bus.connection import cluster_epoch
from shared.bus.consumer import consumer_client
from shared.bus.partitions import partition_of
from shared.bus.topics import partitions_of
from shared.events.catalogue import NOTIFICATIONS
from shared.health.advance import Advance
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import CONSUMER_LAG, EVENTS_CONSUMED

log = structlog.get_logger(__name__)
LOOP = "notifications"
_POLL_MS = 500
_BATCH = 1000
_BREATH = 50  # then the sockets are written: else a batch for one user fills the queue of a quick client
_PAUSE_S = 0.5
_ANSWER_WITHIN_S = 5.0


def partition_of_user(user_id: str, partitions: int) -> int:
    """Where a user's events stand."""
    return partition_of(user_id.encode(), partitions)


class LiveLog:
    """Feeds the hub until the process stops."""

    def __init__(
        self,
        kafka: KafkaSettings,
        hub: Hub,
        progress: Progress,
        *,
        span_s: float,
        look_interval_s: float,
    ) -> None:
        self._kafka = kafka
        self._hub = hub
        self._progress = progress
        self._span_s = span_s
        self._look_interval_s = look_interval_s
        self._epoch: str | None = None
        self._advance: Advance[TopicPartition] = Advance()
        self._caught_up = False
        progress.expect(LOOP)

    @property
    def caught_up(self) -> bool:
        """Whether sockets can be served."""
        return self._caught_up

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until `stopping`; a broker that is away is waited for."""
        while not stopping.is_set():
            try:
                epoch = await asyncio.wait_for(cluster_epoch(self._kafka), _ANSWER_WITHIN_S)
                await self._follow(epoch, stopping)
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("waiting for the broker", error=type(error).__name__)
                self._progress.moved(LOOP)  # waiting on purpose is not a stall
                await _pause(stopping)

    async def _follow(self, epoch: str, stopping: asyncio.Event) -> None:
        """Read one log until it is another one or the process stops."""
        client = consumer_client(self._kafka, None)
        await client.start()
        stop_or_other = asyncio.Event()
        watch = asyncio.create_task(self._watch(client, epoch, stop_or_other))
        stop = asyncio.create_task(_pass_on(stopping, stop_or_other))
        try:
            if await self._begin(client, epoch):
                while not stop_or_other.is_set():
                    await self._turn(client)
            else:
                await _pause(stopping)
        finally:
            watch.cancel()
            stop.cancel()
            await client.stop()

    async def _begin(self, client: AIOKafkaConsumer, epoch: str) -> bool:
        """Take up the reading; False while the topic does not exist yet."""
        numbers = await partitions_of(self._kafka, NOTIFICATIONS)
        if not numbers:
            self._progress.moved(LOOP)
            return False
        partitions = [TopicPartition(NOTIFICATIONS.name, number) for number in numbers]
        client.assign(partitions)
        starts = await self._starts(client, partitions, epoch)
        if epoch != self._epoch:
            self._hub.begin(epoch, {partition.partition: offset for partition, offset in starts.items()})
            log.info(
                "reading the log of notifications", partitions=len(partitions), anew=self._epoch is not None
            )
        self._advance = Advance()
        self._advance.hold(partitions)
        for partition, offset in starts.items():
            client.seek(partition, offset)
            self._advance.done(partition, offset)
        self._epoch = epoch
        return True

    async def _starts(
        self, client: AIOKafkaConsumer, partitions: list[TopicPartition], epoch: str
    ) -> dict[TopicPartition, int]:
        """First a ring span ago; again on the same log where it was left; on another from its beginning."""
        if epoch == self._epoch:
            return {partition: self._hub.ring.next(partition.partition) for partition in partitions}
        if self._epoch is not None:
            beginnings: dict[TopicPartition, int] = await client.beginning_offsets(partitions)
            return beginnings
        since = int((time.time() - self._span_s) * 1000)
        found = await client.offsets_for_times(dict.fromkeys(partitions, since))
        ends = await client.end_offsets(partitions)
        return {
            partition: at.offset
            if (at := found[partition]) is not None and at.timestamp >= 0
            else ends[partition]
            for partition in partitions
        }

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        batches = await client.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        for partition, records in batches.items():
            for count, record in enumerate(records, 1):
                self._hub.take(
                    record.partition, record.offset, record.timestamp / 1000, record.value, record.headers
                )
                if count % _BREATH == 0:
                    await asyncio.sleep(0)
            EVENTS_CONSUMED.labels(NOTIFICATIONS.name).inc(len(records))
            self._advance.done(partition, records[-1].offset + 1)
        if not self._caught_up and self._nothing_waits(client):
            self._caught_up = True
            self._progress.ready(LOOP)

    def _nothing_waits(self, client: AIOKafkaConsumer) -> bool:
        """By the fetch's high watermark: ListOffsets is wrong on the embedded broker."""
        ends = {partition: client.highwater(partition) for partition in self._advance.held()}
        return None not in ends.values() and not any(self._advance.lag(ends).values())

    async def _watch(self, client: AIOKafkaConsumer, epoch: str, other: asyncio.Event) -> None:
        """Look repeatedly: is it still the same broker, and do we move?"""
        while True:
            await asyncio.sleep(self._look_interval_s)
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    if await cluster_epoch(self._kafka) != epoch:
                        other.set()
                        return
                    ends = await client.end_offsets(self._advance.held())
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("the broker does not answer", error=type(error).__name__)
                await self._unless_the_broker_answers()
                continue
            self._look({tp: max(end, client.highwater(tp) or 0) for tp, end in ends.items()})
            self._hub.tidy(utc_now())

    async def _unless_the_broker_answers(self) -> None:
        """A broker that is away is waited for. One that answers while our client gets no word from it
        is a stall of the client: then the watchdog counts."""
        try:
            await asyncio.wait_for(cluster_epoch(self._kafka), _ANSWER_WITHIN_S)
        except (KafkaError, TimeoutError, OSError):
            self._progress.moved(LOOP)

    def _look(self, ends: dict[TopicPartition, int]) -> None:
        if self._advance.look(ends):
            self._progress.moved(LOOP)
        for partition, lag in self._advance.lag(ends).items():
            CONSUMER_LAG.labels(partition.topic, partition.partition).set(lag)


async def _pause(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), _PAUSE_S)
    except TimeoutError:
        return


async def _pass_on(one: asyncio.Event, other: asyncio.Event) -> None:
    await one.wait()
    other.set()
