"""A commit that fails is made up for, also when nothing more comes."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, RequestTimedOutError

from shared.bus.consumer import EventConsumer
from shared.bus.dead_letters import DeadLetters
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS
from shared.events.codec import encode
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from tests.unit.tracker.made import hit

PARTITION, OTHER = TopicPartition(HITS.name, 0), TopicPartition(HITS.name, 1)


class _Client:
    """Brings one record of `PARTITION`, then nothing; the first commits fail as told."""

    def __init__(self, failures: list[KafkaError], stopping: asyncio.Event) -> None:
        self.commits: list[dict[TopicPartition, int]] = []
        self.held = {PARTITION, OTHER}
        self._failures = failures
        self._turns = 0
        self._stopping = stopping

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, topics: list[str], listener: Any) -> None: ...

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        self._turns += 1
        if self._turns == 4:
            self._stopping.set()
        if self._turns > 1:
            return {}
        record = SimpleNamespace(topic=HITS.name, partition=0, offset=6, value=encode(hit(60)), headers=())
        return {PARTITION: [record]}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.commits.append(dict(offsets))
        if self._failures:
            raise self._failures.pop(0)

    def assignment(self) -> set[TopicPartition]:
        return self.held

    async def position(self, _: TopicPartition) -> int:
        return 7

    async def end_offsets(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 7)

    def highwater(self, _: TopicPartition) -> int:
        return 7


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Consumes with such failures; the client afterwards."""

    async def run(failures: list[KafkaError], loses: bool = False) -> _Client:
        stopping = asyncio.Event()
        client = _Client(failures, stopping)
        monkeypatch.setattr("shared.bus.consumer.consumer_client", lambda *_, **__: client)
        monkeypatch.setattr("shared.bus.producer.AIOKafkaProducer", lambda **_: None)
        settings = KafkaSettings()

        async def handle(_: Any) -> None:
            if loses:
                client.held = {OTHER}

        dead_letters = DeadLetters(EventPublisher(settings), "crm")
        await EventConsumer(settings, "crm", [HITS], handle, dead_letters, Progress(20.0)).run(stopping)
        return client

    return run


async def test_a_commit_that_succeeds_is_made_once(consumed: Any) -> None:
    assert (await consumed([])).commits == [{PARTITION: 7}]


async def test_a_commit_that_failed_is_made_again_though_nothing_comes(consumed: Any) -> None:
    assert (await consumed([RequestTimedOutError(), RequestTimedOutError()])).commits == [{PARTITION: 7}] * 3


async def test_a_partition_that_is_held_no_more_is_its_new_owners(consumed: Any) -> None:
    assert (await consumed([CommitFailedError()])).commits == [{PARTITION: 7}]
    assert (await consumed([], loses=True)).commits == []
