"""A bare aiokafka loop: getmany, JSON, a dict, sends one by one, commit: the tracker's reference.

`python -m bench.reference.bare_loop <bootstrap> <wait ms> <events out per hundred hits>`
"""

import sys
from typing import Any

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events.catalogue import HITS

GROUP, OUT = "bench-bare-loop", "bench.out"


async def main(bootstrap: str, wait_ms: int, per_hundred: int) -> None:
    """Run until killed. Each hit's value goes out again, as often as asked."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(
        HITS.name, bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False,
        fetch_max_wait_ms=wait_ms, session_timeout_ms=6000, heartbeat_interval_ms=1000,
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    await consumer.getmany(timeout_ms=1000)  # joins the group
    await consumer.seek_to_end()
    await consumer.commit({one: await consumer.position(one) for one in consumer.assignment()})
    print("ready", flush=True)
    seen: dict[Any, int] = {}
    due = 0
    while True:
        batches = await consumer.getmany(timeout_ms=1000, max_records=2000)
        sent = []
        for records in batches.values():
            for record in records:
                hit = orjson.loads(record.value)
                seen[hit["message_id"]] = seen.get(hit["message_id"], 0) + 1
                due += per_hundred
                while due >= 100:
                    due -= 100
                    sent.append(await producer.send(OUT, record.value, key=record.key))
        for acknowledged in sent:
            await acknowledged
        if batches:
            await consumer.commit()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], *(int(value) for value in sys.argv[2:4])))
