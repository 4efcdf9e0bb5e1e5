"""The bus on a real broker: nothing is lost, nothing is skipped in silence."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.bus.consumer import Delivered, EventConsumer, RetryLater, consumer_client
from shared.bus.dead_letters import (
    CONSUMER,
    ORIGIN,
    REASON,
    DeadLetters,
    InvalidMessage,
)
from shared.bus.producer import EventPublisher, PublishFailed
from shared.bus.topics import TopicMismatch, create_topics, topic_faults
from shared.events.catalogue import LOG_DECISIONS, TOPICS, Topic, event_types
from shared.events.examples import examples_of
from shared.events.ids import new_id
from shared.events.log_decisions import LogDecided
from shared.health.progress import Progress
from shared.settings import KafkaSettings
from shared.telemetry.names import CONSUMER_STOPPED
from tests.integration.own_broker import OwnBroker, own_broker

pytestmark = pytest.mark.integration
TOPIC = LOG_DECISIONS  # any topic would do
WITHIN_S = 30
QUICK = {"KAIFU_KAFKA_SESSION_TIMEOUT_MS": "1500", "KAIFU_KAFKA_HEARTBEAT_INTERVAL_MS": "300"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as broker:
        # A group join takes half a session here, and nothing in this process stalls that long.
        quick = {"session_timeout_ms": 1500, "heartbeat_interval_ms": 300}
        broker.settings = broker.settings.model_copy(update=quick)
        yield broker


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    publisher = EventPublisher(broker.settings)
    await publisher.start()
    yield publisher
    await publisher.stop()


def _events(count: int) -> list[LogDecided]:
    example = examples_of(LogDecided)["minimal"]
    return [
        LogDecided.model_validate(example.model_dump() | {"event_id": new_id(), "message_id": new_id()})
        for _ in range(count)
    ]


class Recorder:
    """A handler that notes the events of this test, and does first what the test wants."""

    def __init__(
        self, events: Sequence[LogDecided], before: Callable[[list[LogDecided]], None] = lambda _: None
    ):
        self._ours = {event.event_id for event in events}
        self._before = before
        self.done: list[Any] = []
        self.calls: list[int] = []

    async def __call__(self, delivered: Sequence[Delivered]) -> None:
        events = [one.event for one in delivered if one.event.event_id in self._ours]
        self.calls.append(len(events))
        self._before(events)  # type: ignore[arg-type]
        self.done += [event.event_id for event in events]


@asynccontextmanager
async def consuming(
    broker: OwnBroker,
    publisher: EventPublisher,
    group: str,
    handler: Any,
    *,
    settings: KafkaSettings | None = None,
    gather_s: float = 0.0,
) -> AsyncIterator[asyncio.Task[None]]:
    """A consumer at work; it ends with the block, and what it raised is raised there."""
    stopping = asyncio.Event()
    dead_letters = DeadLetters(publisher, group)
    consumer = EventConsumer(
        settings or broker.settings, group, [TOPIC], handler, dead_letters, Progress(20), gather_s=gather_s
    )
    task = asyncio.create_task(consumer.run(stopping))
    try:
        yield task
    finally:
        stopping.set()
        await task


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.02)


async def dead_letters_of(broker: OwnBroker, group: str) -> list[Any]:
    """What this group has set aside so far."""
    found = []
    async with broker.reader(TOPIC.dead_letters, 1) as reader:
        while batches := await reader.getmany(timeout_ms=500):
            found += [record for batch in batches.values() for record in batch]
    return [record for record in found if dict(record.headers)[CONSUMER] == group.encode()]


async def publish_bytes(publisher: EventPublisher, topic: Topic, *values: bytes) -> None:
    for value in values:
        await publisher.publish_raw(topic.name, b"key", value, [("traceparent", b"00-a-b-01")])


async def test_what_nobody_waits_for_is_gathered(broker: OwnBroker, publisher: EventPublisher) -> None:
    first, *later = events = _events(31)
    recorder = Recorder(events)
    hasty = broker.settings.model_copy(update={"fetch_max_wait_ms": 5})  # alone, it would bring them singly
    async with consuming(broker, publisher, "gathers", recorder, settings=hasty, gather_s=1.0):
        await publisher.publish(first)
        await until(lambda: len(recorder.done) == 1)
        for event in later:
            await publisher.publish(event)
        await until(lambda: len(recorder.done) == len(events))
    assert len([call for call in recorder.calls if call]) <= 4


async def test_what_is_away_is_waited_for_and_nothing_is_lost(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    events, away = _events(20), [True, True, True]

    def database(_: list[LogDecided]) -> None:
        if away:
            away.pop()
            raise RetryLater("the database is away")

    recorder = Recorder(events, database)
    await publisher.publish_all([(event, None) for event in events])
    async with consuming(broker, publisher, "waits", recorder):
        await until(lambda: len(recorder.done) >= len(events))
    assert sorted(recorder.done) == sorted(event.event_id for event in events)
    assert len(recorder.calls) >= 4
    assert recorder.calls[0] == recorder.calls[1] == recorder.calls[2], "the same batch comes again"
    assert await dead_letters_of(broker, "waits") == []


async def test_poison_is_set_aside_with_reason_and_origin_and_the_rest_is_done(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    events = _events(6)
    poison, invalid = events[2].event_id, events[4].event_id

    def handle(batch: list[LogDecided]) -> None:
        ids = [event.event_id for event in batch]
        if poison in ids:
            raise KeyError("boom: rep@kaifu.example")
        if invalid in ids:
            raise InvalidMessage("unknown-account")

    recorder = Recorder(events, handle)
    for event in events:
        headers = [("traceparent", b"00-trace-span-01"), (REASON, b"somebody else's"), (ORIGIN, b"elsewhere")]
        await publisher.publish(event, headers)
    await publish_bytes(publisher, TOPIC, b"{not json", b'{"type":"log_decided"}')
    async with consuming(broker, publisher, "poison", recorder):
        await until(lambda: len(recorder.done) >= 4)
    assert set(recorder.done) == {event.event_id for event in events} - {poison, invalid}
    letters = await dead_letters_of(broker, "poison")
    reasons = sorted(dict(letter.headers)[REASON].decode() for letter in letters)
    assert [reason for reason in reasons if not reason.startswith("undecodable")] == [
        "handler-failed: KeyError",
        "unknown-account",
    ]
    assert len([reason for reason in reasons if reason.startswith("undecodable")]) == 2
    for letter in letters:
        headers = dict(letter.headers)
        assert len(headers) == len(letter.headers), "one of each"
        topic, partition, offset = headers[ORIGIN].decode().split("/")
        assert (topic, partition.isdigit(), offset.isdigit()) == (TOPIC.name, True, True)
        assert headers["traceparent"]
        assert b"kaifu.example" not in headers[REASON]


async def test_one_undecodable_message_is_set_aside_once_however_long_the_database_is_away(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    events, calls = _events(3), []

    def database(batch: list[LogDecided]) -> None:
        calls.append(len(batch))
        if len(calls) < 4:
            raise RetryLater("away")

    recorder = Recorder(events, database)
    await publish_bytes(publisher, TOPIC, b"\x00 once")
    await publisher.publish_all([(event, None) for event in events])
    async with consuming(broker, publisher, "once", recorder):
        await until(lambda: len(recorder.done) >= 3)
    letters = [letter.value for letter in await dead_letters_of(broker, "once")]
    assert letters.count(b"\x00 once") == 1


async def test_too_many_dead_letters_stop_the_consumer_and_leave_the_rest(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    events = _events(30)

    def refuse(_: list[LogDecided]) -> None:
        raise InvalidMessage("never")

    await publisher.publish_all([(event, None) for event in events])
    dead_letters = DeadLetters(publisher, "limit", limit=5)
    consumer = EventConsumer(
        broker.settings, "limit", [TOPIC], Recorder(events, refuse), dead_letters, Progress(20)
    )
    stopping = asyncio.Event()
    standing = asyncio.create_task(consumer.run(stopping))
    await until(lambda: CONSUMER_STOPPED.labels("limit")._value.get() == 1)
    assert len(await dead_letters_of(broker, "limit")) == 5
    assert not standing.done(), "what else the process does goes on"
    stopping.set()
    await asyncio.wait_for(standing, WITHIN_S)
    recorder = Recorder(events)
    async with consuming(broker, publisher, "limit", recorder):
        await until(lambda: len(recorder.done) >= len(events))  # nothing was committed


KILLED = """
import asyncio, sys
from pathlib import Path
from shared.bus.consumer import EventConsumer
from shared.bus.dead_letters import DeadLetters
from shared.bus.producer import EventPublisher
from shared.events.catalogue import LOG_DECISIONS
from shared.health.progress import Progress
from shared.settings import KafkaSettings

async def main():
    async def handle(events):
        with Path(sys.argv[1]).open("a") as file:
            for one in events:
                print(one.event.event_id, file=file)
        await asyncio.Event().wait()  # the effect is there, the commit is not
    settings = KafkaSettings()
    publisher = EventPublisher(settings)
    await publisher.start()
    await EventConsumer(
        settings, "killed", [LOG_DECISIONS], handle, DeadLetters(publisher, "killed"), Progress(20)
    ).run(asyncio.Event())

asyncio.run(main())
"""


async def test_killed_between_effect_and_commit_it_comes_again(
    broker: OwnBroker, publisher: EventPublisher, tmp_path: Path
) -> None:
    events, effects = _events(1), tmp_path / "effects"
    await publisher.publish(events[0])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(effects)], env=os.environ | broker.environment() | QUICK
    )
    try:
        await until(lambda: effects.exists() and bool(effects.read_text()))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    recorder = Recorder(events)
    async with consuming(broker, publisher, "killed", recorder):
        await until(lambda: bool(recorder.done))
    assert str(events[0].event_id) == str(recorder.done[0])


async def test_done_and_committed_does_not_come_again(broker: OwnBroker, publisher: EventPublisher) -> None:
    first, second = _events(5), _events(1)
    recorder = Recorder([*first, *second])
    await publisher.publish_all([(event, None) for event in first])
    async with consuming(broker, publisher, "committed", recorder):
        await until(lambda: len(recorder.done) >= 5)
    await publisher.publish(second[0])
    async with consuming(broker, publisher, "committed", recorder):
        await until(lambda: second[0].event_id in recorder.done)
    assert len(recorder.done) == 6


async def test_replayed_dead_letters_are_processed(broker: OwnBroker, publisher: EventPublisher) -> None:
    events, broken = _events(4), [True]

    def handle(batch: list[LogDecided]) -> None:
        if batch and broken:
            raise InvalidMessage("not-yet-supported")

    recorder = Recorder(events, handle)
    await publisher.publish_all([(event, None) for event in events])
    async with consuming(broker, publisher, "replay", recorder):
        letters: list[Any] = []

        async def all_aside() -> bool:
            letters[:] = await dead_letters_of(broker, "replay")
            return len(letters) >= 4

        await until(all_aside)
        broken.clear()  # the mended version
        listed = await kaifu(broker, "dlq", "list")
        assert "not-yet-supported" in listed
        shown = await kaifu(broker, "dlq", "show", TOPIC.name)
        assert "not-yet-support" in shown.replace("\n", "")
        said = await kaifu(broker, "dlq", "replay", TOPIC.dead_letters, "--reason", "not-yet-supported")
        assert said == f"4 messages published to {TOPIC.name} again\n"
        await until(lambda: len(recorder.done) >= 4)
    assert set(recorder.done) == {event.event_id for event in events}


async def test_a_replay_that_fails_again_ends(broker: OwnBroker, publisher: EventPublisher) -> None:
    """What comes back to the dead letters during a replay is not replayed by it once more."""
    events = _events(3)

    def refuse(batch: list[LogDecided]) -> None:
        if batch:
            raise InvalidMessage("still-broken")

    async with consuming(broker, publisher, "again", Recorder(events, refuse)):
        await publisher.publish_all([(event, None) for event in events])

        async def aside() -> bool:
            return len(await dead_letters_of(broker, "again")) >= 3

        await until(aside)
        said = await kaifu(broker, "dlq", "replay", TOPIC.name, "--reason", "still-broken")
        assert said == f"3 messages published to {TOPIC.name} again\n"


async def test_an_unknown_topic_is_said(broker: OwnBroker) -> None:
    assert "there are email.sends" in await kaifu(broker, "dlq", "replay", "email.nothing", code=2)


async def kaifu(broker: OwnBroker, *arguments: str, code: int = 0) -> str:
    """The command line, as an operator runs it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from shared.cli import main; main()", *arguments),
        env={**os.environ, **broker.environment(), "COLUMNS": "300"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == code, out.decode()
    return out.decode()


async def test_making_topics_again_makes_none_and_finds_a_mismatch(broker: OwnBroker) -> None:
    assert await create_topics(broker.settings) == []
    with pytest.raises(TopicMismatch, match="KAIFU_KAFKA_PARTITIONS"):
        await create_topics(broker.settings.model_copy(update={"partitions": 7}))


async def test_topics_that_somebody_else_made_are_checked(broker: OwnBroker) -> None:
    """Named, each with what is wrong."""
    assert await topic_faults(broker.settings) == []
    faults = await topic_faults(broker.settings.model_copy(update={"partitions": 7}))
    assert faults == [f"{topic.name} has 4 partitions, not 7" for topic in TOPICS]


async def test_every_event_survives_the_broker_with_key_and_trace(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    from shared.events.codec import decode

    for topic in TOPICS:
        sent = [example for event in event_types(topic) for example in examples_of(event).values()]
        for example in sent:
            await publisher.publish(example, [("traceparent", b"00-x")])
        found = []
        async with broker.reader(topic.name) as reader:
            while batches := await reader.getmany(timeout_ms=500):
                found += [record for batch in batches.values() for record in batch]
        for example in sent:
            same = [record for record in found if record.key == example.key().encode()]
            assert example in [
                decode(topic.name, record.value) for record in same if b"\x00" not in record.value
            ]
            assert all(record.headers for record in same)


async def test_a_publisher_whose_client_has_died_connects_anew(broker: OwnBroker) -> None:
    """Known of aiokafka: its sender ends with an error, and all that is sent from then on expires."""
    (event,) = _events(1)
    publisher = EventPublisher(broker.settings, timeout_s=0.5)
    await publisher.start()
    try:
        await publisher.publish(event)
        publisher._producer._sender.sender_task.cancel()
        failed = 0
        async with asyncio.timeout(30):
            while True:
                try:
                    await publisher.publish(event)
                except PublishFailed:
                    failed += 1
                else:
                    break
        assert failed >= 3
    finally:
        await publisher.stop()


async def test_without_a_broker_publishing_fails_within_its_time() -> None:
    async with own_broker() as gone:
        publisher = EventPublisher(gone.settings, timeout_s=1.0)
        await publisher.start()
        await gone.kill()
        async with asyncio.timeout(5):
            with pytest.raises(PublishFailed):
                await publisher.publish(_events(1)[0])
        await publisher.stop()


async def test_a_consumer_stops_though_the_library_leaks_a_cancellation(broker: OwnBroker) -> None:
    """As when the broker is gone while a fetch is on its way: the caller is not cancelled by it."""
    client = consumer_client(broker.settings, None)
    await client.start()
    client._fetcher._pending_tasks.add(asyncio.create_task(asyncio.Event().wait()))
    await client.stop()
    assert client._client._conns == {}
