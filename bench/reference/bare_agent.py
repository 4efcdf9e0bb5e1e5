"""An empty Faust agent: it takes each hit and does nothing, without a table, without sending.

`python -m bench.reference.bare_agent <bootstrap> <partitions> <group>`, the group a new one each time, since
a member that ended is missed after a minute. Faust as it comes, with JSON as it decodes it; off is what an
agent without a table has no use for: its web server, its producer, its folder, the topics that it declares.
"""

import asyncio
import logging
import sys
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from faust.app.base import BootStrategy

from shared.events.catalogue import HITS

_COMMIT_S = 0.2  # as the tracker


class _Boot(BootStrategy):
    enable_kafka_producer = False
    enable_web = False


class _App(faust.App):
    BootStrategy = _Boot

    def _create_directories(self) -> None:
        pass


async def main(bootstrap: str, partitions: int, group: str) -> None:
    """Run until killed."""
    await _skip(bootstrap, partitions, group)
    app = _App(
        group, broker=f"kafka://{bootstrap}", store="memory://", web_enabled=False, topic_allow_declare=False,
        topic_disable_leader=True, broker_commit_interval=_COMMIT_S,
    )  # fmt: skip
    app.agent(app.topic(HITS.name))(_nothing)
    app.on_rebalance_complete.connect(_ready)
    async with app:
        await asyncio.Event().wait()


async def _skip(bootstrap: str, partitions: int, group: str) -> None:
    """What was there before is not the agent's: its group begins at the end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        topic = [TopicPartition(HITS.name, number) for number in range(partitions)]
        consumer.assign(topic)
        await consumer.commit(await consumer.end_offsets(topic))
    finally:
        await consumer.stop()


async def _nothing(hits: Any) -> None:
    async for _ in hits:
        pass


async def _ready(*_: object, **__: object) -> None:
    print("ready", flush=True)


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
