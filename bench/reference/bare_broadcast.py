"""A bare loop: aiokafka's getmany, and websockets.broadcast to the clients of the record's key.

`python -m bench.reference.bare_broadcast <bootstrap> <wait ms> <topic> <partitions> <port>`
A client says its key first and is answered `ready`. Nothing is verified, parsed, remembered or counted, and
a client that does not read is not noticed. The garbage collector is spared as in Kaifu's processes: walking
the connections again and again would cost as much as the rest.
"""

import gc
import sys

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(bootstrap: str, wait_ms: int, topic: str, partitions: int, port: int) -> None:
    """Run until killed."""
    clients: dict[bytes, set[ServerConnection]] = {}

    async def stay(connection: ServerConnection) -> None:
        key = await connection.recv(decode=False)
        clients.setdefault(key, set()).add(connection)
        await connection.send("ready")
        await connection.wait_closed()

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=wait_ms
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
    await consumer.seek_to_end()
    async with serve(stay, "127.0.0.1", port, compression=None):
        print("ready", flush=True)
        while True:
            for records in (await consumer.getmany(timeout_ms=500, max_records=1000)).values():
                for record in records:
                    broadcast(clients.get(record.key, ()), record.value, text=True)


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], *(int(value) for value in sys.argv[4:6])))
