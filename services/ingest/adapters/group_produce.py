"""One produce request for a group of hits: what aiokafka's sender does, without what a group does not need.

aiokafka's accumulator keeps batches, futures and retries per partition; that is most of what a small
group costs. A group here is acknowledged at once or goes to the spool, which is its retry, so it is
packed into one request per leader and sent on aiokafka's own connections. Whatever goes wrong is a
KafkaError: the drainer then takes the ordinary road.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from io import BytesIO
from struct import Struct
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, MessageSizeTooLargeError, NoError, for_code
from aiokafka.protocol.api import Request
from aiokafka.protocol.produce import ProduceRequest_v3, ProduceResponse_v3
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from services.ingest.model import Record

BATCH_BYTES = 512 * 1024  # below Kafka's message.max.bytes of 1 MiB

_MAGIC, _PLAIN, _NO_PRODUCER = 2, 0, -1
# Kafka protocol, Produce v3: the oldest that carries headers, spoken by every broker since 0.11.
_HEAD = Struct(">hhiih")  # transactional id: none; acks: all; timeout; one topic; length of its name
_COUNT = Struct(">i")
_PARTITION = Struct(">ii")  # partition, size of its batch
_PART_OF_ANSWER = Struct(">ihqq")  # partition, error, offset, timestamp
_ALL = -1


async def produce_group(
    client: AIOKafkaClient, topic: str, by_partition: Mapping[int, Sequence[Record]], timeout_ms: int
) -> None:
    """Return once all are acknowledged by all replicas. Raises KafkaError."""
    try:
        for leader, batches in _by_leader(client, topic, by_partition).items():
            errors = await client.send(leader, _Produce(_packed(topic, batches, timeout_ms)))
            if errors:
                raise for_code(errors[0])
    except KafkaError:
        client.force_metadata_update()  # a leader may have moved
        raise


def _by_leader(
    client: AIOKafkaClient, topic: str, by_partition: Mapping[int, Sequence[Record]]
) -> dict[int, list[tuple[int, bytes]]]:
    batches: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    now_ms = int(time.time() * 1000)
    for partition, records in by_partition.items():
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        if leader is None or leader == -1:
            raise LeaderNotAvailableError(partition)
        batches[leader].append((partition, _batch(records, now_ms)))
    return batches


def _batch(records: Sequence[Record], now_ms: int) -> bytes:
    builder = DefaultRecordBatchBuilder(
        _MAGIC, _PLAIN, False, _NO_PRODUCER, _NO_PRODUCER, _NO_PRODUCER, BATCH_BYTES
    )
    for offset, (_, key, value, headers) in enumerate(records):
        if builder.append(offset, now_ms, key, value, list(headers)) is None:
            raise MessageSizeTooLargeError("more than one batch: the ordinary road takes it")
    return bytes(builder.build())


def _packed(topic: str, batches: Sequence[tuple[int, bytes]], timeout_ms: int) -> bytes:
    name = topic.encode()
    parts = [_HEAD.pack(-1, _ALL, timeout_ms, 1, len(name)), name, _COUNT.pack(len(batches))]
    for partition, batch in batches:
        parts.append(_PARTITION.pack(partition, len(batch)))
        parts.append(batch)
    return b"".join(parts)


class _Errors(ProduceResponse_v3):  # type: ignore[misc]
    """The answer, read for its error codes alone."""

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> list[int]:
        """The error codes that are not zero, of an answer about one topic."""
        answer = data if isinstance(data, bytes) else data.read()
        at = 6 + int.from_bytes(answer[4:6])  # one topic, the length of its name, its name
        count = int.from_bytes(answer[at : at + 4])
        end = at + 4 + count * _PART_OF_ANSWER.size
        found = _PART_OF_ANSWER.iter_unpack(answer[at + 4 : end])
        return [error for _, error, _, _ in found if error != NoError.errno]


class _PackedProduce(ProduceRequest_v3):  # type: ignore[misc]
    """A request whose bytes are made already."""

    RESPONSE_TYPE = _Errors

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def encode(self) -> bytes:
        """The bytes."""
        return self._packed

    def __repr__(self) -> str:
        return (
            f"<produce request of {len(self._packed)} bytes>"  # aiokafka logs requests; hits hold addresses
        )


class _Produce(Request[_PackedProduce]):  # type: ignore[misc]
    """What aiokafka's connection asks for the request in the broker's version."""

    API_KEY = ProduceRequest_v3.API_KEY

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def build(self, request_struct_class: type[Any]) -> Any:
        """There is one version."""
        return request_struct_class(self._packed)
