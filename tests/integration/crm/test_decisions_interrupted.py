"""Logger and crm as processes, while the database is killed in the middle of their decisions."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from services.crm.model.records import Contact
from shared.directory.contract import PreparedMessage, RecordRef
from shared.events.base import Event
from shared.events.catalogue import LOG_DECISIONS
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType
from tests.integration.crm.people import People, asked, make_people
from tests.integration.crm.stage import DIRECTORY_TOKEN, Stage, publish, stage, topic, until
from tests.integration.own_broker import ServiceProcess, service
from tests.unit.crm.made import sent

pytestmark = pytest.mark.integration
NEWCOMERS = 30
MAILS_EACH = 2


async def questions(here: Stage, people: People) -> list[PreparedMessage]:
    """Each newcomer is written to twice, and is to become a contact."""
    addresses = [f"mai-{number}@new.example" for number in range(NEWCOMERS)]
    mails = [
        asked(people, address, records=(), create_contacts=(address,))
        for _ in range(MAILS_EACH)
        for address in addresses
    ]
    for mail in mails:
        await here.crm.directory.prepare(mail)
    return mails


def sends(people: People, mails: Sequence[PreparedMessage]) -> list[Event]:
    """Each confirmed."""
    return [
        sent(message_id=mail.message_id, account_id=people.account_id, user_id=people.rep.id)
        for mail in mails
    ]


async def newcomers(here: Stage, people: People) -> list[Contact]:
    """Who became a contact."""
    return [*(await here.crm.records.contacts.page(people.account_id, "mai-", limit=2 * NEWCOMERS)).items]


async def timeline(here: Stage, people: People, contact: Contact) -> list[UUID | None]:
    """Which mails stand on it."""
    record = RecordRef(record_type=RecordType.CONTACT, record_id=contact.id)
    rows = (await here.crm.timelines.page(people.account_id, record)).items
    return [row.message_id for row in rows if row.type.value == "email"]


def waiting(logger: ServiceProcess) -> Callable[[], Awaitable[bool | None]]:
    """Whether it has asked in vain."""

    async def look() -> bool | None:
        return await logger.metric("kaifu_handler_retries_total") > 0 or None

    return look


@pytest.mark.requirement("L2", "L5", "T9")
async def test_a_database_killed_in_the_middle_of_decisions_loses_and_doubles_none(tmp_path: Path) -> None:
    """Every mail is decided as if it had stood, each newcomer is one contact, each mail stands once."""
    async with stage(tmp_path) as here:
        people = await make_people(here.crm)
        mails = await questions(here, people)
        environment = {
            **here.broker.environment(),
            "KAIFU_DIRECTORY_URL": f"http://127.0.0.1:{here.crm_port}",
            "KAIFU_DIRECTORY_TOKEN": DIRECTORY_TOKEN,
        }
        async with service("logger", environment, tmp_path) as logger:
            await publish(here.broker, sends(people, mails[:NEWCOMERS]))
            await topic(here.broker, LOG_DECISIONS.name, lambda got: len(got) > 0)
            await here.server.kill()
            await publish(here.broker, sends(people, mails[NEWCOMERS:]))
            await until(waiting(logger), "the logger waits for crm's answer")
            await here.server.start()
            told = await topic(
                here.broker,
                LOG_DECISIONS.name,
                lambda got: (
                    {event.message_id for event in got if isinstance(event, LogDecided)}
                    >= {mail.message_id for mail in mails}
                ),
            )
            decisions = {event.event_id: event for event in told if isinstance(event, LogDecided)}
            assert len(decisions) == len(mails)
            assert {event.outcome for event in decisions.values()} == {LogOutcome.LOGGED}

            async def stand() -> list[list[UUID | None]] | None:
                lines = [await timeline(here, people, one) for one in await newcomers(here, people)]
                return lines if sum(map(len, lines)) >= len(mails) else None

            lines = await until(stand, "all mails on a timeline")
            assert [len(line) for line in lines] == [MAILS_EACH] * NEWCOMERS
            assert {row for line in lines for row in line} == {mail.message_id for mail in mails}
