"""A consumer that turns without consuming has not moved."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.bus.consumer import EventConsumer
from shared.bus.dead_letters import DeadLetters
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS
from shared.health.progress import Progress
from shared.settings import KafkaSettings

PARTITION = TopicPartition(HITS.name, 0)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class _Client:
    """A client whose fetcher is dead: it brings nothing, whatever the broker has. 10 s pass per turn."""

    def __init__(self, clock: _Clock, end: int | Exception, turns: int, stopping: asyncio.Event) -> None:
        self._clock, self._end, self._turns, self._stopping = clock, end, turns, stopping

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, topics: list[str], listener: Any) -> None: ...

    async def getmany(self, **_: Any) -> dict[Any, Any]:
        self._clock.now += 10
        self._turns -= 1
        if not self._turns:
            self._stopping.set()
        return {}

    def assignment(self) -> set[TopicPartition]:
        return {PARTITION}

    async def position(self, _: TopicPartition) -> int:
        return 5

    async def end_offsets(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        if isinstance(self._end, Exception):
            raise self._end
        return dict.fromkeys(partitions, self._end)

    def highwater(self, _: TopicPartition) -> None: ...


@pytest.mark.parametrize(
    ("end", "age"),
    [(9, 60.0), (5, 0.0), (3, 0.0), (KafkaConnectionError(), 0.0)],
    ids=["events wait", "nothing waits", "the broker began anew", "the broker is away"],
)
async def test_only_waiting_events_make_a_standstill_a_stall(
    end: int | Exception, age: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stopping, settings = _Clock(), asyncio.Event(), KafkaSettings()
    client = _Client(clock, end, 6, stopping)
    monkeypatch.setattr("shared.bus.consumer.consumer_client", lambda *_, **__: client)
    monkeypatch.setattr("shared.bus.producer.AIOKafkaProducer", lambda **_: None)
    progress = Progress(20.0, clock)
    dead_letters = DeadLetters(EventPublisher(settings), "crm")

    async def handle(_: Any) -> None: ...

    await EventConsumer(settings, "crm", [HITS], handle, dead_letters, progress, clock=clock).run(stopping)
    assert progress.ages() == {"consumer crm": age}
