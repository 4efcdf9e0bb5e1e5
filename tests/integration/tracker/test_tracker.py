"""The tracker as a process of its own, on a broker of its own."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.bus.dead_letters import CONSUMER, ORIGIN, REASON
from shared.bus.producer import EventPublisher
from shared.events.base import Event
from shared.events.catalogue import ENGAGEMENTS, HITS, NOTIFICATIONS
from shared.events.codec import decode
from shared.events.engagements import EngagementJudged
from shared.events.ids import derived_id
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.revocations import RevocationScope, TrackingRevoked
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker, paused, service
from tests.unit.tracker.made import ACCOUNT, GOOGLE_ADDRESS, GOOGLE_PROXY, at, hit, message, viewing

pytestmark = pytest.mark.integration
WITHIN_S = 30.0
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01".encode()


class Heard:
    """All that the tracker told, from the beginning of its topics."""

    def __init__(self, engagements: Any, notifications: Any) -> None:
        self._clients = (engagements, notifications)
        self.records: list[tuple[Event, Any]] = []

    async def until(self, is_enough: Any) -> None:
        """Read on until `is_enough()`. TimeoutError after WITHIN_S."""
        async with asyncio.timeout(WITHIN_S):
            while not is_enough():
                for client in self._clients:
                    for topic_partition, records in (await client.getmany(timeout_ms=50)).items():
                        self.records += [(decode(topic_partition.topic, r.value), r) for r in records]

    def engagements(self, *messages: UUID) -> dict[UUID, EngagementJudged]:
        """Of these messages, each at its highest revision."""
        best: dict[UUID, EngagementJudged] = {}
        for event, _ in self.records:
            if isinstance(event, EngagementJudged) and event.message_id in messages:
                known = best.get(event.engagement_id)
                if known is None or event.revision > known.revision:
                    best[event.engagement_id] = event
        return best

    def raised(self, *messages: UUID) -> set[UUID]:
        """Ids of notifications about these messages."""
        return {
            event.notification_id
            for event, _ in self.records
            if isinstance(event, NotificationRaised) and event.message_id in messages
        }


@asynccontextmanager
async def hearing(broker: OwnBroker) -> AsyncIterator[Heard]:
    async with broker.reader(ENGAGEMENTS.name) as engagements, broker.reader(NOTIFICATIONS.name) as raised:
        yield Heard(engagements, raised)


@asynccontextmanager
async def publishing(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    publisher = EventPublisher(broker.settings)
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


async def publish(publisher: EventPublisher, *events: Event) -> None:
    await publisher.publish_all((event, None) for event in events)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tracker(
    broker: OwnBroker, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("tracker")
    async with service("tracker", environment(broker, folder / "state"), folder) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    async with publishing(broker) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def heard(broker: OwnBroker) -> AsyncIterator[Heard]:
    async with hearing(broker) as started:
        yield started


def environment(broker: OwnBroker, state: Path) -> dict[str, str]:
    return broker.environment() | {"KAIFU_TRACKER_STATE": str(state)}


@pytest.mark.requirement("T3", "T4", "B1")
async def test_a_pixel_becomes_an_engagement_and_a_notification_in_its_trace(
    tracker: ServiceProcess, publisher: EventPublisher, heard: Heard
) -> None:
    mail = uuid4()
    opened = hit(60, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS, message_id=mail)
    await publish(publisher, message(message_id=mail))
    await publisher.publish(opened, [("traceparent", TRACEPARENT)])
    await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
    engagement_id = derived_id("engagement", opened.event_id, "open")
    assert heard.raised(mail) == {derived_id("notification", engagement_id)}
    told = [(event, record) for event, record in heard.records if event.account_id == ACCOUNT]
    mine = [(event, record) for event, record in told if getattr(event, "message_id", None) == mail]
    assert {type(event) for event, _ in mine} == {EngagementJudged, NotificationRaised}
    assert heard.engagements(mail)[engagement_id].verdict == "proxied_human"
    parents = {dict(record.headers)["traceparent"].decode() for _, record in mine}
    assert len(parents) == 1
    version, trace_id, span_id, flags = parents.pop().split("-")
    assert (version, trace_id, flags) == ("00", TRACE_ID, "01")
    assert span_id != TRACEPARENT.decode().split("-")[2], "it is the tracker's own span"


async def test_an_untraced_hit_stays_untraced(
    tracker: ServiceProcess, publisher: EventPublisher, heard: Heard
) -> None:
    mail = uuid4()
    await publish(publisher, message(message_id=mail))
    opened = hit(60, message_id=mail, address="192.0.2.1")
    await publisher.publish(opened, [("traceparent", TRACEPARENT[:-2] + b"00")])
    await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
    mine = [record for event, record in heard.records if getattr(event, "message_id", None) == mail]
    assert [list(record.headers) for record in mine] == [[], []]


@pytest.mark.requirement("T9")
async def test_a_hit_before_its_send_is_counted_when_the_send_comes(
    tracker: ServiceProcess, publisher: EventPublisher, heard: Heard
) -> None:
    mail, other = uuid4(), uuid4()
    await publish(publisher, hit(2, message_id=mail))
    await publish(publisher, message(message_id=other), hit(2, message_id=other))
    await heard.until(lambda: heard.raised(other) and heard.engagements(other))
    async with asyncio.timeout(WITHIN_S):
        while await tracker.metric("kaifu_pending_hits") != 1:
            await asyncio.sleep(0.05)
    assert not heard.engagements(mail)
    await publish(publisher, message(message_id=mail))
    await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
    assert len(heard.engagements(mail)) == 1


@pytest.mark.requirement("B4", "B3")
async def test_an_own_view_after_the_open_retracts_the_notification(
    tracker: ServiceProcess, publisher: EventPublisher, heard: Heard
) -> None:
    mail = uuid4()
    await publish(publisher, message(message_id=mail), hit(60, message_id=mail, address="192.0.2.2"))
    await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
    await publish(publisher, viewing(62, message_id=mail, address="192.0.2.2"))
    await heard.until(
        lambda: (
            any(isinstance(event, NotificationRetracted) for event, _ in heard.records)
            and any(judged.revision for judged in heard.engagements(mail).values())
        )
    )
    (judged,) = heard.engagements(mail).values()
    assert (judged.verdict, judged.revision) == ("self", 1)


@pytest.mark.requirement("P4", "A4")
async def test_a_revoked_message_makes_nothing(tmp_path: Path) -> None:
    mail, control = uuid4(), uuid4()
    revoked = TrackingRevoked(
        event_id=uuid4(),
        occurred_at=at(5),
        account_id=ACCOUNT,
        scope=RevocationScope.MESSAGE,
        subject_id=mail,
        reason="legal_basis_withdrawn",
    )
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        await publish(publisher, revoked)
        async with service("tracker", environment(broker, tmp_path / "state"), tmp_path):
            for one in (mail, control):
                await publish(publisher, message(message_id=one), hit(60, message_id=one))
            await publish(publisher, hit(4000, message_id=mail), hit(4000, message_id=control))
            await heard.until(lambda: len(heard.raised(control)) == 2 == len(heard.engagements(control)))
    assert not heard.engagements(mail)


async def test_poison_is_set_aside_with_its_reason(
    broker: OwnBroker, tracker: ServiceProcess, publisher: EventPublisher, heard: Heard
) -> None:
    mail = uuid4()
    poison = b'{"type": "hit_recorded", "message_id": 3}'
    await publisher.publish_raw(HITS.name, str(mail).encode(), poison, [])
    await publish(publisher, message(message_id=mail), hit(60, message_id=mail, address="192.0.2.3"))
    await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
    async with broker.reader(HITS.dead_letters, partitions=1) as letters, asyncio.timeout(WITHIN_S):
        found: list[Any] = []
        while not found:
            for records in (await letters.getmany(timeout_ms=100)).values():
                found += [record for record in records if record.value == poison]
    headers = dict(found[0].headers)
    assert headers[REASON].startswith(b"undecodable: ")
    assert headers[ORIGIN].startswith(HITS.name.encode())


async def test_what_was_set_aside_is_told_when_it_is_replayed_after_a_restart(tmp_path: Path) -> None:
    """Its record still stands in the topic, where the rebuilding reads it: as no part of the state."""
    mail = uuid4()
    first, second = hit(60, message_id=mail), hit(4000, message_id=mail)
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        async with service("tracker", environment(broker, tmp_path / "before"), tmp_path) as before:
            await publish(publisher, message(message_id=mail), first)
            await heard.until(lambda: heard.engagements(mail))
            assert await before.stop() == 0  # all is committed
        async with broker.reader(HITS.name) as reader, asyncio.timeout(WITHIN_S):
            found: list[Any] = []
            while not found:
                found = [r for records in (await reader.getmany(timeout_ms=100)).values() for r in records]
        origin = f"{found[0].topic}/{found[0].partition}/{found[0].offset}".encode()
        headers = [(REASON, b"handler-failed: Bug"), (ORIGIN, origin), (CONSUMER, b"tracker")]
        await publisher.publish_raw(HITS.dead_letters, found[0].key, found[0].value, headers)
        heard.records.clear()
        async with service("tracker", environment(broker, tmp_path / "after"), tmp_path):
            await publish(publisher, second, first)
            await heard.until(lambda: len(heard.engagements(mail)) == 2)
    told = [event for event, _ in heard.records if isinstance(event, EngagementJudged)]
    assert [(event.hit_id, event.first, event.revision) for event in told] == [
        (second.event_id, True, 0),
        (first.event_id, True, 0),
        (second.event_id, False, 1),
    ]


def _story(mails: list[UUID]) -> list[Event]:
    """Opens, repetitions, clicks and re-opens of many mails, each by its own reader, in the order of time."""
    hits = [
        hit(when, message_id=mail, link=link, address=f"192.0.2.{reader}")
        for when, link in ((60, None), (64, None), (90, 0), (3600, None), (3700, 1))
        for reader, mail in enumerate(mails)
    ]
    return [*(message(message_id=mail) for mail in mails), *hits]


def _check_story(heard: Heard, mails: list[UUID]) -> None:
    """Every mail has the one right outcome, whoever judged its parts."""
    for mail in mails:
        of_mail = heard.engagements(mail).values()
        firsts = sorted((judged.kind, judged.occurred_at) for judged in of_mail if judged.first)
        assert firsts == [("click", at(90)), ("open", at(60))]
        assert [judged.occurred_at for judged in of_mail if judged.folded_into] == [at(64)]
        assert len({judged.session_id for judged in of_mail}) == 2
    assert {e.revision for e, _ in heard.records if isinstance(e, EngagementJudged)} == {0}
    assert not any(isinstance(event, NotificationRetracted) for event, _ in heard.records)


async def _told_all(heard: Heard, mails: list[UUID]) -> None:
    await heard.until(
        lambda: (
            len(heard.engagements(*mails)) == 5 * len(mails) and len(heard.raised(*mails)) == 4 * len(mails)
        )
    )


@pytest.mark.requirement("T9")
@pytest.mark.parametrize("is_cache_kept", [False, True], ids=["empty folder", "same folder"])
async def test_killed_in_the_middle_and_started_anew_nothing_is_missing_or_different(
    tmp_path: Path, is_cache_kept: bool
) -> None:
    mails = [uuid4() for _ in range(60)]
    story = _story(mails)
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        first = ServiceProcess("tracker", environment(broker, tmp_path / "first"), tmp_path)
        await first.start()
        await publish(publisher, *story[:150])
        await heard.until(lambda: len(heard.engagements(*mails)) >= 20)
        await publish(publisher, *story[150:200])  # some of it is under way when the process dies
        await first.stop(signal.SIGKILL)
        await publish(publisher, *story[200:])
        folder = tmp_path / ("first" if is_cache_kept else "second")
        async with service("tracker", environment(broker, folder), tmp_path):
            await _told_all(heard, mails)
    _check_story(heard, mails)


@pytest.mark.requirement("T9")
async def test_a_second_worker_comes_and_the_first_goes(tmp_path: Path) -> None:
    mails = [uuid4() for _ in range(60)]
    story = _story(mails)
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        first = ServiceProcess("tracker", environment(broker, tmp_path / "first"), tmp_path)
        await first.start()
        await publish(publisher, *story[:120])
        async with service("tracker", environment(broker, tmp_path / "second"), tmp_path):
            await publish(publisher, *story[120:240])
            await heard.until(lambda: len(heard.engagements(*mails)) == 180)
            assert await first.stop() == 0
            await publish(publisher, *story[240:])
            await _told_all(heard, mails)
    _check_story(heard, mails)


@pytest.mark.requirement("T9")
async def test_another_cluster_is_noticed_and_started_over(tmp_path: Path) -> None:
    """The embedded broker forgets everything when it restarts; sent mail is published to it again."""
    mail = uuid4()
    async with (
        own_broker() as broker,
        service("tracker", environment(broker, tmp_path / "s"), tmp_path) as tracker,
    ):
        async with publishing(broker) as publisher, hearing(broker) as heard:
            await publish(publisher, message(message_id=mail), hit(60, message_id=mail))
            await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
        with paused(tracker):
            await broker.kill()
            await broker.start()
        async with publishing(broker) as publisher, hearing(broker) as heard:
            await publish(publisher, message(message_id=mail), hit(7200, message_id=mail))
            await heard.until(lambda: heard.raised(mail) and heard.engagements(mail))
            assert len(heard.engagements(mail)) == 1
        assert tracker.running
        assert await tracker.stop() == 0


async def test_too_many_dead_letters_stop_it_and_leave_the_rest(tmp_path: Path) -> None:
    """It stands still until it is started again: a process that ended would be restarted, and drain on."""
    limit = 50
    async with (
        own_broker() as broker,
        publishing(broker) as publisher,
        service("tracker", environment(broker, tmp_path / "state"), tmp_path) as tracker,
    ):
        for number in range(limit + 20):
            await publisher.publish_raw(HITS.name, str(number).encode(), b"{", [])
        async with asyncio.timeout(WITHIN_S):
            while await tracker.metric('kaifu_consumer_stopped{consumer="tracker"}') != 1:
                await asyncio.sleep(0.05)
        assert await tracker.metric("kaifu_dead_letters_total{") == limit
        assert tracker.running
        assert "too many dead letters" in tracker.log()
        assert await tracker.stop() == 0
