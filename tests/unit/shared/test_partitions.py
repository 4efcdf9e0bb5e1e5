"""Streams of one key meet: the same partition as any Kafka client chooses for it."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.partitions import partition_of


@pytest.mark.requirement("T9")
@given(st.uuids(), st.integers(1, 100))
def test_the_partition_is_that_of_the_default_partitioner(message_id: object, partitions: int) -> None:
    key = str(message_id).encode()
    everywhere = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)
