"""Evidence across messages: seen by a tracker as a process, known to the one after it (B1, B5)."""

import signal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.events.notifications import NotificationRetracted
from tests.integration.own_broker import ServiceProcess, own_broker, service
from tests.integration.tracker.test_holds import Now, holds
from tests.integration.tracker.test_tracker import Heard, environment, hearing, publish, publishing
from tests.unit.tracker.made import GOOGLE_ADDRESS, GOOGLE_PROXY, hit, message

pytestmark = pytest.mark.integration
RESTARTS = pytest.mark.parametrize("is_cache_kept", [False, True], ids=["empty folder", "same folder"])


def _verdicts(heard: Heard, *mails: UUID) -> list[str]:
    return sorted(one.verdict for one in heard.engagements(*mails).values())


def _retracted(heard: Heard, *mails: UUID) -> set[UUID]:
    return {
        event.notification_id
        for event, _ in heard.records
        if isinstance(event, NotificationRetracted) and event.message_id in mails
    }


@pytest.mark.requirement("B1", "B5", "T9")
@RESTARTS
async def test_an_older_message_shown_with_a_newer_one_is_taken_back_and_stays_so(
    tmp_path: Path, is_cache_kept: bool
) -> None:
    """Through Google's proxy both are told at once. Killed, the next process knows that the older one was not
    opened: what comes later is its first open."""
    old, new = uuid4(), uuid4()
    mails = [
        message(when=when, message_id=mail, provider_thread_id="t") for when, mail in ((0, old), (60, new))
    ]
    opens = [
        hit(when, message_id=mail, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS)
        for when, mail in ((4000, old), (4000.4, new))
    ]
    later = hit(90_000, message_id=old, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS)
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        first = ServiceProcess("tracker", environment(broker, tmp_path / "first"), tmp_path)
        await first.start()
        await publish(publisher, *mails)
        await publish(publisher, *opens)
        await heard.until(
            lambda: (
                _verdicts(heard, old) == ["older_message"] and _retracted(heard, old) and heard.raised(new)
            )
        )
        assert _retracted(heard, old) == heard.raised(old)
        assert len(heard.raised(old)) == 1
        await first.stop(signal.SIGKILL)
        folder = tmp_path / ("first" if is_cache_kept else "second")
        async with service("tracker", environment(broker, folder), tmp_path):
            await publish(publisher, later)
            await heard.until(lambda: len(heard.raised(old)) == 2 == len(heard.engagements(old)))
        told = {one.hit_id: one for one in heard.engagements(old, new).values()}
        assert [told[one.event_id].verdict for one in opens] == ["older_message", "proxied_human"]
        assert told[later.event_id].first
        assert not _retracted(heard, new)


@pytest.mark.requirement("B1", "B3")
async def test_three_mails_fetched_by_one_client_within_seconds_raise_nothing(tmp_path: Path) -> None:
    now, mails, control = Now(), [uuid4() for _ in range(3)], uuid4()
    async with (
        own_broker() as broker,
        publishing(broker) as publisher,
        hearing(broker) as heard,
        service("tracker", environment(broker, tmp_path / "state"), tmp_path) as tracker,
    ):
        await publish(publisher, *(now(message(message_id=mail)) for mail in (*mails, control)))
        await publish(publisher, now(hit(10, message_id=control, address="192.0.2.1")))
        await publish(publisher, *(now(hit(8 + n, message_id=mail)) for n, mail in enumerate(mails)))
        await heard.until(lambda: heard.raised(control) and len(heard.engagements(*mails)) == 3)
        await holds(tracker, 0)
        await heard.until(lambda: _verdicts(heard, *mails, control) == ["human"] + ["machine"] * 3)
    assert not heard.raised(*mails)


@pytest.mark.requirement("B1", "B3", "T9")
@RESTARTS
async def test_a_burst_over_mails_is_seen_though_the_process_was_killed_within_it(
    tmp_path: Path, is_cache_kept: bool
) -> None:
    now, mails = Now(), [uuid4() for _ in range(3)]
    hits = [now(hit(9 + n, message_id=mail)) for n, mail in enumerate(mails)]
    later = now(hit(4000, message_id=mails[0], agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS))
    folder = tmp_path / "first"
    async with own_broker() as broker, publishing(broker) as publisher, hearing(broker) as heard:
        first = ServiceProcess("tracker", environment(broker, folder), tmp_path)
        await first.start()
        await publish(publisher, *(now(message(message_id=mail)) for mail in mails))
        await publish(publisher, *hits[:2])
        await holds(first, 2)
        await first.stop(signal.SIGKILL)
        await publish(publisher, hits[2])
        folder = folder if is_cache_kept else tmp_path / "second"
        second = ServiceProcess("tracker", environment(broker, folder), tmp_path)
        await second.start()
        await heard.until(lambda: _verdicts(heard, *mails) == ["machine"] * 3)
        await holds(second, 0)
        await second.stop(signal.SIGKILL)
        folder = folder if is_cache_kept else tmp_path / "third"
        async with service("tracker", environment(broker, folder), tmp_path):
            await publish(publisher, later)
            await heard.until(lambda: heard.raised(*mails) and len(heard.engagements(*mails)) == 4)
        told = {one.hit_id: one for one in heard.engagements(*mails).values()}
        assert [told[one.event_id].verdict for one in hits] == ["machine"] * 3
        assert told[later.event_id].first
        assert len(heard.raised(*mails)) == 1
