"""crm as a process of its own, while its database and its broker go and come back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest

from deploy.local.ports import free_port
from services.crm.collaborators import Collaborators, collaborate
from services.crm.model.accounts import EmailSettings
from services.crm.store.database import Database
from shared.bus.producer import EventPublisher
from shared.events.base import Event
from shared.events.catalogue import NOTIFICATIONS, REVOCATIONS, SENDS
from shared.events.codec import decode
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import derived_id
from shared.events.notifications import FeedChanged
from shared.tokens import keyring
from tests.chaos.faults.f13_rolled import endings
from tests.integration.crm.own_database import OwnDatabase, configuration, opened, own_database
from tests.integration.crm.people import People, asked, make_people
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker, paused, service
from tests.unit.crm.made import clicked, judged, sent

pytestmark = pytest.mark.integration
MAILS = 60
# The database keeps the transaction of a process that is gone, and all that it wrote to, for 60 s after
# its last statement (transactionLifetimeLimitSeconds); one that was silent may carry that out late.
WITHIN_S = 60.0 + 60.0
Found = TypeVar("Found")


@dataclass
class Stage:
    """A crm process, its broker and its database, and the same database seen from the test."""

    broker: OwnBroker
    server: OwnDatabase
    database: Database
    crm: Collaborators
    process: ServiceProcess


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """All of it, ready."""
    keyring.create(folder / "receipts.json")
    async with own_broker() as broker, own_database(folder) as server, opened(server.url) as database:
        environment = {
            **broker.environment(),
            "KAIFU_CRM_PORT": str(free_port()),
            "KAIFU_CRM_MONGODB_URL": server.url,
            "KAIFU_CRM_RECEIPT_KEYS": str(folder / "receipts.json"),
            "KAIFU_CRM_SIGNING_KEYS": str(folder / "signing.json"),
            "KAIFU_DIRECTORY_TOKEN": "the services' token",
        }
        async with service("crm", environment, folder) as process:
            crm = collaborate(configuration(folder), database)
            yield Stage(broker, server, database, crm, process)


async def until(look: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """Look again until something is found."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN_S} s: {what}") from None


async def prepared(crm: Collaborators, people: People, count: int) -> list[UUID]:
    """Mails that the directory has recorded."""
    questions = [asked(people) for _ in range(count)]
    for question in questions:
        await crm.directory.prepare(question)
    return [question.message_id for question in questions]


def happened(people: People, message_id: UUID) -> list[Event]:
    """Sent, opened, clicked, and the raw hit."""
    of: dict[str, Any] = {
        "message_id": message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    hit = HitRecorded(
        event_id=derived_id("test", "raw", message_id),
        occurred_at=judged().occurred_at,
        account_id=people.account_id,
        message_id=message_id,
        endpoint=Endpoint.PIXEL,
        method="GET",
    )
    return [sent(**of), judged("one", **of), clicked(**of), hit]


async def publish(broker: OwnBroker, events: Iterable[Event]) -> None:
    """To the topics, acknowledged."""
    publisher = EventPublisher(broker.settings)
    await publisher.start()
    try:
        await publisher.publish_all([(event, ()) for event in events])
    finally:
        await publisher.stop()


async def topic(broker: OwnBroker, name: str, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """What stands in a topic, once there is enough."""
    events: list[Event] = []
    async with broker.reader(name) as reader, asyncio.timeout(WITHIN_S):
        while not enough(events):
            for records in (await reader.getmany(timeout_ms=200)).values():
                events += [decode(name, record.value) for record in records]
    return events


async def counts(stage_: Stage, name: str) -> int:
    """Documents of a collection."""
    return int(await stage_.database.collection(name, []).count_documents({}))


async def test_a_database_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """crm waits for it, and what people see in the end is each event once."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        ids = await prepared(here.crm, people, MAILS)
        events = [event for id_ in ids for event in happened(people, id_)]
        await publish(here.broker, events)

        async def begun() -> bool | None:
            return await counts(here, "engagements") > 0 or None

        await until(begun, "the first engagements")
        await here.server.kill()
        assert here.process.running
        await here.server.start()
        await publish(here.broker, events)  # and everything once more

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
