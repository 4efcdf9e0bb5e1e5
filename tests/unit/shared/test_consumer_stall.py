"""A consumer that turns without consuming has not moved."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.bus.consumer import EventConsumer
from shared.bus.dead_letters import DeadLetters, stand_still
from shared.bus.lag import LagGauge
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import CONSUMER_LAG

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


AWAY = KafkaConnectionError()


@pytest.mark.parametrize(
    ("end", "broker_answers", "age"),
    [(9, True, 60.0), (5, True, 0.0), (3, True, 0.0), (AWAY, False, 0.0), (AWAY, True, 60.0)],
    ids=[
        "events wait",
        "nothing waits",
        "the broker began anew",
        "the broker is away",
        "the broker answers others",
    ],
)
async def test_only_waiting_events_make_a_standstill_a_stall(
    end: int | Exception, broker_answers: bool, age: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def epoch(_: KafkaSettings) -> str:
        if not broker_answers:
            raise AWAY
        return "cluster"

    monkeypatch.setattr("shared.bus.stalls.cluster_epoch", epoch)
    clock, stopping, settings = _Clock(), asyncio.Event(), KafkaSettings()
    client = _Client(clock, end, 6, stopping)
    monkeypatch.setattr("shared.bus.consumer.consumer_client", lambda *_, **__: client)
    monkeypatch.setattr("shared.bus.producer.AIOKafkaProducer", lambda **_: None)
    progress = Progress(20.0, clock)
    dead_letters = DeadLetters(EventPublisher(settings), "crm")

    async def handle(_: Any) -> None: ...

    await EventConsumer(settings, "crm", [HITS], handle, dead_letters, progress, clock=clock).run(stopping)
    assert progress.ages() == {"consumer crm": age}


@pytest.mark.parametrize(("end", "lag"), [(9, 4.0), (3, 0.0)])
async def test_what_a_dead_fetcher_leaves_behind_is_lag(
    end: int, lag: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the broker's word: the fetch's high watermark is as dead as the fetcher."""
    clock, stopping, settings = _Clock(), asyncio.Event(), KafkaSettings()
    monkeypatch.setattr(
        "shared.bus.consumer.consumer_client", lambda *_, **__: _Client(clock, end, 3, stopping)
    )
    monkeypatch.setattr("shared.bus.producer.AIOKafkaProducer", lambda **_: None)
    dead_letters = DeadLetters(EventPublisher(settings), "crm")

    async def handle(_: Any) -> None: ...

    consumer = EventConsumer(
        settings, "crm", [HITS], handle, dead_letters, Progress(20.0, clock), clock=clock
    )
    await consumer.run(stopping)
    assert CONSUMER_LAG.labels(HITS.name, "0")._value.get() == lag


def test_a_partition_that_is_held_no_more_has_no_lag_here() -> None:
    gauge = LagGauge()
    gauge.show({PARTITION: 3, TopicPartition(HITS.name, 7): 1})
    gauge.show({PARTITION: 2})
    (family,) = CONSUMER_LAG.collect()
    shown = {sample.labels["partition"]: sample.value for sample in family.samples}
    assert shown["0"] == 2.0
    assert "7" not in shown


async def test_standing_still_on_purpose_is_no_stall() -> None:
    clock, stopping = _Clock(), asyncio.Event()
    progress = Progress(20.0, clock)
    progress.expect("consumer")
    clock.now = 50.0
    standing = asyncio.create_task(stand_still("crm", "consumer", progress, stopping))
    await asyncio.sleep(0)
    assert progress.ages() == {"consumer": 0.0}
    stopping.set()
    await standing
