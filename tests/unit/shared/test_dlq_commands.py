"""Reading dead letters ends, also while new ones arrive."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.bus import commands
from shared.events.catalogue import HITS


@dataclass
class _Letter:
    offset: int


class _Client:
    """Each fetch brings one letter, and by then another one has come."""

    def __init__(self) -> None:
        self.fetched = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, partitions: list[TopicPartition]) -> None: ...

    async def seek_to_beginning(self, _: TopicPartition) -> None: ...

    async def getmany(self, partition: TopicPartition, **_: Any) -> dict[TopicPartition, list[_Letter]]:
        self.fetched += 1
        assert self.fetched < 20, "it would read for ever"
        return {partition: [_Letter(self.fetched - 1)]}

    def highwater(self, _: TopicPartition) -> int:
        return self.fetched + 3


async def test_what_arrives_meanwhile_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "consumer_client", lambda *_: _Client())
    letters = [letter.offset async for letter in commands._dead_letters(HITS.name)]
    assert letters == [0, 1, 2, 3]
