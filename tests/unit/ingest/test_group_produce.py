"""The packed produce request is the one that aiokafka would send; its answer is read for errors."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
)
from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v3, ProduceResponse_v3
from aiokafka.record.memory_records import MemoryRecords

from services.ingest.adapters.group_produce import BATCH_BYTES, produce_group
from services.ingest.model import Door, Record
from tests.unit.ingest.builders import record

pytestmark = pytest.mark.requirement("T9")


class FakeClient:
    """Has leaders, notes what is sent, answers as a test says."""

    def __init__(self, leaders: dict[int, int | None], error: int = 0) -> None:
        self.cluster = SimpleNamespace(leader_for_partition=lambda tp: leaders[tp.partition])
        self.sent: list[tuple[int, ProduceRequest_v3]] = []
        self.refreshed = False
        self._error = error

    def force_metadata_update(self) -> None:
        self.refreshed = True

    async def send(self, node: int, request: Any) -> Any:
        await asyncio.sleep(0)
        struct = request.prepare({ProduceRequest.API_KEY: (0, 11)})
        assert struct.API_VERSION == 3
        sent = ProduceRequest_v3.decode(struct.encode())
        self.sent.append((node, sent))
        partitions = [(partition, self._error, 7, -1) for partition, _ in sent.topics[0][1]]
        return struct.RESPONSE_TYPE.decode(ProduceResponse_v3([(sent.topics[0][0], partitions)], 0).encode())


def _read(batch: bytes) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    found = []
    records = MemoryRecords(batch)
    while records.has_next():
        part = records.next_batch()
        assert part.validate_crc()
        found += [(one.key, one.value, list(one.headers)) for one in part]
    return found


async def test_the_request_is_what_aiokafka_reads_back() -> None:
    client = FakeClient({0: 1, 3: 1})
    await produce_group(client, "email.hits", {3: [record(1), record(2)], 0: [record(3)]}, 5000)
    ((node, sent),) = client.sent
    assert (node, sent.transactional_id, sent.required_acks, sent.timeout) == (1, None, -1, 5000)
    ((topic, partitions),) = sent.topics
    assert topic == "email.hits"
    found = {partition: _read(batch) for partition, batch in partitions}
    assert found == {
        3: [(one.key, one.value, list(one.headers)) for one in (record(1), record(2))],
        0: [(record(3).key, record(3).value, list(record(3).headers))],
    }


async def test_each_leader_gets_its_own_request() -> None:
    client = FakeClient({0: 1, 1: 2})
    await produce_group(client, "email.hits", {0: [record(1)], 1: [record(2)]}, 5000)
    assert [node for node, _ in client.sent] == [1, 2]


async def test_an_error_of_the_broker_is_raised_and_the_leaders_are_looked_up_anew() -> None:
    client = FakeClient({0: 1}, error=NotLeaderForPartitionError.errno)
    with pytest.raises(NotLeaderForPartitionError):
        await produce_group(client, "email.hits", {0: [record(1)]}, 5000)
    assert client.refreshed


@pytest.mark.parametrize("leader", [None, -1])
async def test_without_a_leader_nothing_is_sent(leader: int | None) -> None:
    client = FakeClient({0: leader})
    with pytest.raises(LeaderNotAvailableError):
        await produce_group(client, "email.hits", {0: [record(1)]}, 5000)
    assert not client.sent


async def test_more_than_a_batch_is_left_to_the_ordinary_road() -> None:
    large = Record(Door.PIXEL, b"k", b"v" * (BATCH_BYTES // 2))
    with pytest.raises(MessageSizeTooLargeError):
        await produce_group(FakeClient({0: 1}), "email.hits", {0: [large, large, large]}, 5000)
    assert issubclass(MessageSizeTooLargeError, KafkaError)
