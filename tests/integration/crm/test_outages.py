"""crm as a process of its own, while its database and its broker go and come back."""

import signal
from pathlib import Path
from uuid import UUID

import pytest

from services.crm.model.accounts import EmailSettings
from shared.events.base import Event
from shared.events.catalogue import NOTIFICATIONS, REVOCATIONS, SENDS
from shared.events.ids import derived_id
from shared.events.notifications import FeedChanged
from tests.chaos.faults.f13_rolled import endings
from tests.integration.crm.people import make_people
from tests.integration.crm.stage import counts, happened, prepared, publish, stage, topic, until
from tests.integration.own_broker import paused

pytestmark = pytest.mark.integration
MAILS = 60


async def test_a_database_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """crm waits for it, and what people see in the end is each event once."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        ids = await prepared(here.crm, people, MAILS)
        events = [event for id_ in ids for event in happened(people, id_)]
        before, meanwhile = events[: len(events) // 2], events[len(events) // 2 :]
        await publish(here.broker, before)

        async def begun() -> bool | None:
            return await counts(here, "engagements") > 0 or None

        async def waits() -> bool | None:
            return await here.process.metric("kaifu_handler_retries_total") > 0 or None

        await until(begun, "the first engagements")
        await here.server.kill()
        await publish(here.broker, meanwhile)
        await until(waits, "crm waits for its database")
        assert here.process.running
        await here.server.start()
        await publish(here.broker, before)  # these once more

        async def done() -> bool | None:
            stored = [await counts(here, name) for name in ("engagements", "timeline", "hits", "outbox")]
            return stored == [2 * MAILS, 2 * MAILS, MAILS, 0] or None

        await until(done, "all events stored, the outbox empty")
        for id_ in ids:
            row = await here.crm.feed.row(people.account_id, people.rep.id, id_)
            assert (row.opens, row.clicks) == (1, 1)
        told = await topic(here.broker, NOTIFICATIONS.name, lambda got: _covers(got, ids))
        changes = {event.event_id for event in told if isinstance(event, FeedChanged)}
        assert changes <= {derived_id("feed-changed", event.event_id) for event in events}
        assert await here.process.stop() == 0


def _covers(events: list[Event], ids: list[UUID]) -> bool:
    return {event.message_id for event in events if isinstance(event, FeedChanged)} >= set(ids)


@pytest.mark.requirement("T9")
async def test_a_new_broker_gets_its_topics_back_before_crm_is_ready(tmp_path: Path) -> None:
    """The same events under the same ids: an old mail's pixel still counts."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        ids = await prepared(here.crm, people, 20)
        sends = [happened(people, id_)[0] for id_ in ids]
        await publish(here.broker, sends)
        await here.crm.email_settings.change(people.who(people.admin), EmailSettings(tracking=False))
        revoked = await topic(here.broker, REVOCATIONS.name, lambda got: len(got) == 1)

        async def stored() -> bool | None:
            rows = (await here.crm.feed.page(people.account_id, people.rep.id, None, 50)).items
            return len(rows) == 20 or None

        await until(stored, "all mails in the feed")
        with paused(here.process):
            await here.broker.kill()
            await here.broker.start()
        assert await here.process.ended(30) == 1  # it belongs to the old broker
        await here.process.start()  # ready only when the topics are there
        by_id = sorted(sends, key=lambda event: event.event_id)
        again = await topic(here.broker, SENDS.name, lambda got: len(got) >= 20)
        assert sorted(again, key=lambda event: event.event_id) == by_id
        assert await topic(here.broker, REVOCATIONS.name, lambda got: len(got) >= 1) == revoked


async def test_crm_killed_while_publishing_tells_everything_under_known_ids(tmp_path: Path) -> None:
    """kill -9, then a new process: the outbox goes on where it was."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        ids = await prepared(here.crm, people, MAILS)
        events = [event for id_ in ids for event in happened(people, id_)]
        await publish(here.broker, events)
        await topic(here.broker, NOTIFICATIONS.name, lambda got: len(got) > 0)
        await here.process.stop(signal.SIGKILL)
        await here.process.start()
        told = await topic(here.broker, NOTIFICATIONS.name, lambda got: _covers(got, ids))
        assert {event.event_id for event in told} <= {
            derived_id("feed-changed", event.event_id) for event in events
        }

        async def done() -> bool | None:
            stored = [await counts(here, name) for name in ("engagements", "hits", "outbox")]
            return stored == [2 * MAILS, MAILS, 0] or None

        await until(done, "everything stored once")


@pytest.mark.parametrize("silent", ["broker", "database"])
async def test_it_ends_in_order_though_one_that_it_needs_is_silent(silent: str, tmp_path: Path) -> None:
    """In the middle of its work, within its grace; the next one finishes what it had begun."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        ids = await prepared(here.crm, people, MAILS)
        await publish(here.broker, [event for id_ in ids for event in happened(people, id_)])
        await topic(here.broker, NOTIFICATIONS.name, lambda got: len(got) > 0)
        part = here.broker if silent == "broker" else here.server
        part.send(signal.SIGSTOP)
        try:
            here.process.send(signal.SIGTERM)
            assert await here.process.ended(endings()["crm"].grace_s) == 0
        finally:
            part.send(signal.SIGCONT)
        await here.process.start()

        async def done() -> bool | None:
            stored = [await counts(here, name) for name in ("engagements", "hits", "outbox")]
            return stored == [2 * MAILS, MAILS, 0] or None

        await until(done, "everything stored once")
