"""What the tracker has set aside among the dead letters: no part of any state until it is replayed.

A replayed message is another record of its topic. Were the first one folded when a state is rebuilt (the bug
that it met may be mended since), then the replayed one would be no news and never told.
"""

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.consumer import Place
from shared.bus.dead_letters import CONSUMER, ORIGIN
from shared.events.catalogue import HITS, SENDS

_POLL_MS = 500


async def places_set_aside(client: AIOKafkaConsumer, consumer: str) -> frozenset[Place]:
    """Where its dead letters come from. Assigns the client anew. Raises KafkaError."""
    partitions = [TopicPartition(topic.dead_letters, 0) for topic in (SENDS, HITS)]
    starts = await client.beginning_offsets(partitions)
    ends = await client.end_offsets(partitions)  # too low on the embedded broker, but never 0 with a message
    left = {partition for partition in partitions if starts[partition] < ends[partition]}
    if not left:
        return frozenset()
    client.assign(list(left))
    await client.seek_to_beginning(*left)
    found: set[Place] = set()
    while left:
        batches = await client.getmany(*left, timeout_ms=_POLL_MS)
        for record in (record for batch in batches.values() for record in batch):
            headers = dict(record.headers)
            if headers.get(CONSUMER) == consumer.encode():
                found.add(_place(headers[ORIGIN].decode()))
        left = {partition for partition in left if not await _is_read(client, partition)}
    return frozenset(found)


def _place(origin: str) -> Place:
    topic, partition, offset = origin.rsplit("/", 2)
    return topic, int(partition), int(offset)


async def _is_read(client: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    high = client.highwater(partition)
    return high is not None and await client.position(partition) >= high
