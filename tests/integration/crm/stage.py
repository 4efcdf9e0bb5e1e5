"""A crm process, a broker and a database of a test's own, each of which can be killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from deploy.local.ports import free_port
from services.crm.collaborators import Collaborators, collaborate
from services.crm.store.database import Database
from shared.bus.producer import EventPublisher
from shared.events.base import Event
from shared.events.codec import decode
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import derived_id
from shared.tokens import keyring
from tests.integration.crm.own_database import OwnDatabase, configuration, opened, own_database
from tests.integration.crm.people import People, asked
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker, service
from tests.unit.crm.made import clicked, judged, sent

# The database keeps the transaction of a process that is gone, and all that it wrote to, for 60 s after
# its last statement (transactionLifetimeLimitSeconds); one that was silent may carry that out late.
WITHIN_S = 60.0 + 60.0
DIRECTORY_TOKEN = "the services' token"
Found = TypeVar("Found")


@dataclass
class Stage:
    """A crm process, its broker and its database, and the same database seen from the test."""

    broker: OwnBroker
    server: OwnDatabase
    database: Database
    crm: Collaborators
    process: ServiceProcess
    crm_port: int


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """All of it, ready."""
    keyring.create(folder / "receipts.json")
    async with own_broker() as broker, own_database(folder) as server, opened(server.url) as database:
        port = free_port()
        environment = {
            **broker.environment(),
            "KAIFU_CRM_PORT": str(port),
            "KAIFU_CRM_MONGODB_URL": server.url,
            "KAIFU_CRM_RECEIPT_KEYS": str(folder / "receipts.json"),
            "KAIFU_CRM_SIGNING_KEYS": str(folder / "signing.json"),
            "KAIFU_DIRECTORY_TOKEN": DIRECTORY_TOKEN,
        }
        async with service("crm", environment, folder) as process:
            crm = collaborate(configuration(folder), database)
            yield Stage(broker, server, database, crm, process, port)


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
