"""Durable before served: what happens to records when broker or disk are away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.ingest.durability import Recorder
from services.ingest.model import Durability
from shared.health.progress import Progress
from shared.telemetry.names import HITS_LOST
from tests.unit.ingest.builders import FakeBroker, FakeSpool, record

pytestmark = pytest.mark.requirement("T9")
_SOON_S = 0.02


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def spool() -> FakeSpool:
    return FakeSpool()


@pytest.fixture
def recorder(broker: FakeBroker, spool: FakeSpool) -> Recorder:
    return Recorder(broker, spool, Progress(60.0), within_s=_SOON_S)


class _Answers:
    """Collects how each record ended, and lets a test wait for it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.ended: dict[int, Durability] = {}

    def submit(self, number: int) -> "asyncio.Future[Durability]":
        future: asyncio.Future[Durability] = asyncio.get_running_loop().create_future()

        def done(outcome: Durability) -> None:
            self.ended[number] = outcome
            future.set_result(outcome)

        self._recorder.submit(record(number), done)
        return future


@contextlib.asynccontextmanager
async def _draining(recorder: Recorder) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    loop = asyncio.create_task(recorder.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await loop


async def _eventually(condition: object, within_s: float = 5.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


async def test_nothing_is_answered_before_the_broker_has_it(recorder: Recorder, broker: FakeBroker) -> None:
    broker.stalled = asyncio.Event()
    answers = _Answers(recorder)
    future = answers.submit(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert broker.asked == 1
    assert not answers.ended
    broker.stalled.set()
    assert await future is Durability.BROKER
    assert broker.taken == [record(1)]


async def test_what_arrives_meanwhile_goes_together(recorder: Recorder, broker: FakeBroker) -> None:
    answers = _Answers(recorder)
    first = answers.submit(0)
    await asyncio.sleep(0)  # the first is on its way
    rest = [answers.submit(number) for number in range(1, 50)]
    await asyncio.gather(first, *rest)
    assert broker.groups == [1, 49]
    assert broker.taken == [record(number) for number in range(50)], "in the order of arrival"


async def test_a_stalled_broker_costs_one_wait_and_then_none(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.stalled = asyncio.Event()
    answers = _Answers(recorder)
    assert await answers.submit(1) is Durability.SPOOL
    assert await answers.submit(2) is Durability.SPOOL
    assert broker.asked == 1, "the circuit is open: the second did not try"
    assert spool.records == [record(1), record(2)]


async def test_the_spool_is_drained_in_order_with_the_same_bytes(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.away = True
    answers = _Answers(recorder)
    for number in range(3):
        assert await answers.submit(number) is Durability.SPOOL
    async with _draining(recorder):
        await _eventually(lambda: broker.asked >= 2)
        assert len(spool.records) == 3, "refused: nothing is forgotten"
        broker.away = False
        await _eventually(lambda: not spool.segments)
        assert broker.taken == [record(number) for number in range(3)]
        assert await answers.submit(9) is Durability.BROKER, "the circuit is closed again"


async def test_a_broker_not_yet_connected_is_not_waited_for(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.connected = False
    assert await _Answers(recorder).submit(1) is Durability.SPOOL
    assert broker.asked == 0
    assert spool.records == [record(1)]


async def test_disk_full_and_broker_away_still_answers_and_counts_the_loss(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.away = spool.full = True
    before = HITS_LOST.labels("pixel")._value.get()
    assert await recorder.record([record(1), record(2)]) is Durability.LOST
    assert HITS_LOST.labels("pixel")._value.get() == before + 2
    assert not recorder.writable


async def test_room_on_the_disk_is_noticed_without_a_hit(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.away = spool.full = True
    await recorder.record([record(1)])
    spool.full = False
    async with _draining(recorder):
        await _eventually(lambda: recorder.writable)


async def test_a_broker_that_fails_in_an_unknown_way_loses_nothing(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise TypeError("a bug of a library")

    monkeypatch.setattr(broker, "produce_group", broken)
    assert await _Answers(recorder).submit(1) is Durability.SPOOL
    assert spool.records == [record(1)]


async def test_one_answer_that_fails_does_not_keep_the_others(recorder: Recorder) -> None:
    def broken(_: Durability) -> None:
        raise RuntimeError("connection gone")

    recorder.submit(record(1), broken)
    assert await _Answers(recorder).submit(2) is Durability.BROKER


async def test_the_end_waits_for_groups_and_drains_what_it_can(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.connected = False
    answers = _Answers(recorder)
    await answers.submit(1)
    broker.connected = True
    pending = answers.submit(2)
    await recorder.finish(5.0)
    assert pending.done()
    assert not spool.segments
    assert {1, 2} == {int(one.value.split(b":")[1][:-1]) for one in broker.taken}


async def test_the_end_does_not_wait_for_a_stalled_broker(
    recorder: Recorder, broker: FakeBroker, spool: FakeSpool
) -> None:
    broker.connected = False
    await _Answers(recorder).submit(1)
    broker.connected, broker.stalled = True, asyncio.Event()
    await asyncio.wait_for(recorder.finish(0.05), 5)
    assert spool.records == [record(1)], "the rest stays on disk"
