"""Shards and the client's positions go on from the same place."""

from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from services.tracker.adapters.loop import TrackerLoop
from services.tracker.adapters.rebuild import Held
from shared.events.catalogue import HITS, SENDS

HIT, SEND = TopicPartition(HITS.name, 0), TopicPartition(SENDS.name, 0)


class _Client:
    """Positions, as aiokafka keeps them."""

    def __init__(self, **positions: int) -> None:
        self.positions = {TopicPartition(f"email.{topic}", 0): at for topic, at in positions.items()}

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def committed(self, partition: TopicPartition) -> int | None:
        return {HIT: 40, SEND: None}[partition]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self.positions |= dict.fromkeys(partitions, 0)


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(offset=offset) for offset in offsets]


async def test_what_was_fetched_before_its_partition_was_begun_anew_waits_for_its_turn() -> None:
    loop: Any = SimpleNamespace(_client=_Client(hits=40, sends=6))
    fetched = {HIT: records(50, 51), SEND: records(4, 5), TopicPartition(HITS.name, 1): records(7)}
    assert await TrackerLoop._still_next(loop, fetched) == {SEND: fetched[SEND]}


async def test_a_rebuilt_shard_goes_on_from_its_commit_though_the_client_had_read_further() -> None:
    client = _Client(hits=52, sends=6)

    async def same_cluster() -> None: ...

    async def rebuild(missing: set[int], committed: Any) -> dict[int, Held]:
        shard: Any = None
        return {number: Held(number, shard, {HITS.name: 40, SENDS.name: 0}) for number in missing}

    loop: Any = SimpleNamespace(
        _client=client,
        _held={},
        _done={},
        _check_epoch=same_cluster,
        _rebuilder=SimpleNamespace(rebuild=rebuild),
    )
    loop._committed = lambda partitions: TrackerLoop._committed(loop, partitions)
    loop._go_on_from = lambda committed: TrackerLoop._go_on_from(loop, committed)
    await TrackerLoop._take_over(loop)
    assert client.positions == {HIT: 40, SEND: 0}
    assert loop._held.keys() == {0}
