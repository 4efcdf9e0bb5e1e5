"""A bare aiokafka loop that asks for each sent mail and sends one event: the reference of the logger.

`python -m bench.reference.bare_logger <bootstrap> <wait ms> <directory>`
"""

import sys

import httpx
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events.catalogue import SENDS

GROUP, OUT = "bench-bare-logger", "bench.decisions"


async def main(bootstrap: str, wait_ms: int, directory: str) -> None:
    """Run until killed. The answer goes out as it came."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(
        SENDS.name, bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False,
        fetch_max_wait_ms=wait_ms, session_timeout_ms=6000, heartbeat_interval_ms=1000,
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    await consumer.getmany(timeout_ms=1000)  # joins the group
    await consumer.seek_to_end()
    await consumer.commit({one: await consumer.position(one) for one in consumer.assignment()})
    print("ready", flush=True)
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            for record in (record for records in batches.values() for record in records):
                sent = orjson.loads(record.value)
                url = f"{directory}/internal/v1/messages/{sent['message_id']}/log-inputs"
                answer = await http.get(url, params={"account_id": sent["account_id"]})
                await producer.send_and_wait(OUT, answer.content, key=record.key)
            if batches:
                await consumer.commit()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
