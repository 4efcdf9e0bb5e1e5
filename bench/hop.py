"""A bare hop: one producer, one consumer, one topic, on the same broker and with the same settings."""

import asyncio
import struct
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.bus.connection import client_options
from shared.settings import KafkaSettings

TOPIC = "bench.hop"


async def latencies(settings: KafkaSettings, per_second: float, count: int) -> list[float]:
    """Milliseconds from `send` to the consumer, one by one, at a steady rate."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, settings.partitions, settings.replication)])
    await admin.close()
    producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=False)
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, fetch_max_wait_ms=settings.fetch_max_wait_ms,
        auto_offset_reset="earliest",
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        mark = struct.pack("d", time.perf_counter())  # older rounds' records are before it
        reading = asyncio.create_task(_read(consumer, count, struct.unpack("d", mark)[0]))
        await _send(producer, per_second, count)
        return await asyncio.wait_for(reading, 30)
    finally:
        await consumer.stop()
        await producer.stop()


async def _send(producer: AIOKafkaProducer, per_second: float, count: int) -> None:
    start = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / per_second - time.perf_counter()))
        value = struct.pack("d", time.perf_counter())
        await producer.send(TOPIC, value, key=str(number).encode())


async def _read(consumer: AIOKafkaConsumer, count: int, since: float) -> list[float]:
    found: list[float] = []
    while len(found) < count:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            now = time.perf_counter()
            sent = [struct.unpack("d", record.value)[0] for record in records]
            found += [(now - at) * 1000 for at in sent if at >= since]
    return found
