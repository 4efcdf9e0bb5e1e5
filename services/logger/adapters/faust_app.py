"""A Faust worker inside our own process: its consumer is ours, its producer, web and tables stay off.

Faust's defaults that don't fit (0.15): session 60 s, an empty fetch waits 1.5 s, TLS and SASL by
classes of its own, a crash of the worker when one commit fails, topics declared by itself. So the
consumer client is made by `shared.bus.consumer`, like everywhere else.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, cast

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import WorkerThread

from services.logger.settings import LoggerSettings
from shared.bus.consumer import consumer_client
from shared.settings import KafkaSettings

log = structlog.get_logger(__name__)
GROUP = "logger"


class _Thread(WorkerThread):
    """Ends with the process: one that waits for a silent broker must not keep it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    Worker = _Thread

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        app = cast(LoggerApp, self.app)
        return consumer_client(
            app.kafka,
            GROUP,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            max_poll_interval_ms=int(app.conf.broker_max_poll_interval * 1000),
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Effects are idempotent, so a commit that fails costs a repetition, not the worker."""
        held = self.assignment()
        wanted = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in held
        }
        try:
            await self._ensure_consumer().commit(wanted)
        except (CommitFailedError, IllegalStateError):
            log.info("lost the partition before the commit; its new owner repeats")
            return False
        except KafkaError as error:
            log.warning("commit failed; a later one covers it", error=type(error).__name__)
            return False
        return True

    async def rewind(self, offsets: Mapping[TP, int]) -> None:
        """Read on from there, where it has read further."""
        await self.call_thread(self._rewind, offsets)

    async def _rewind(self, offsets: Mapping[TP, int]) -> None:
        client = self._ensure_consumer()
        for tp, offset in offsets.items():
            partition = TopicPartition(tp.topic, tp.partition)
            with suppress(IllegalStateError):  # it is another member's now
                if await client.position(partition) > offset:  # an assignment in between begins lower
                    client.seek(partition, offset)


class _Consumer(driver.Consumer):
    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Events of one fetch, until an assignment comes in between.

        Faust's own forgets the rest of the fetch then, and when later events are acknowledged takes it for a
        gap in the topic and commits past it. Here the rest is fetched again: at worst it comes twice.
        """
        generation = self.app.consumer_generation_id
        records, _ = await self._wait_next_records(timeout)
        if not records or self.should_stop:
            return
        left = {tp: batch[0].offset for tp, batch in records.items() if batch}
        try:
            for tp, record in self.scheduler.iterate(records):
                if not self._goes_on(generation):
                    break
                yield tp, self._to_message(tp, record)
                if self._goes_on(generation):  # else Faust may have cancelled the taking of this one
                    left[tp] = record.offset + 1
        finally:
            rest = {tp: offset for tp, offset in left.items() if offset <= records[tp][-1].offset}
            if rest:
                await cast(_ConsumerThread, self._thread).rewind(rest)

    def _goes_on(self, generation: int) -> bool:
        return bool(self.flow_active) and self.app.consumer_generation_id == generation

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Boot(BootStrategy):
    enable_kafka_producer = False  # results go out by shared.bus.producer, acknowledged before the ack
    enable_web = False


class LoggerApp(faust.App):
    """The Faust application; `kafka` is how its consumer connects."""

    BootStrategy = _Boot

    def __init__(self, kafka: KafkaSettings, settings: LoggerSettings) -> None:
        self.kafka = kafka
        super().__init__(
            GROUP,
            broker=f"kafka://{kafka.bootstrap.replace(',', ';')}",
            store="memory://",
            broker_session_timeout=kafka.session_timeout_ms / 1000,
            broker_rebalance_timeout=kafka.session_timeout_ms / 1000,
            broker_heartbeat_interval=kafka.heartbeat_interval_ms / 1000,
            broker_commit_interval=settings.commit_interval_s,
            broker_max_poll_interval=86_400.0,  # waiting for crm is no reason to leave the group
            consumer_auto_offset_reset="earliest",
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            stream_wait_empty=False,  # an event that waits for crm would block every rebalance and stop
            web_enabled=False,
            autodiscover=False,
        )

    def _create_directories(self) -> None:
        """None: it has no tables, and may run on a file system that is read-only."""

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)
