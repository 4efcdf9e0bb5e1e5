"""Recipients who become contacts by a send (L5, L6), on a real database."""

import asyncio

import pytest

from services.crm.collaborators import Collaborators
from services.crm.handlers import MessageHandler
from services.crm.model.accounts import EmailSettings
from services.crm.model.records import Contact, LegalBasisKind
from services.crm.rules.files import MessageEvent
from shared.directory.contract import PreparedMessage, RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, RecordType
from shared.log_rules.engine import decide
from tests.integration.crm.people import People, as_user, asked, client
from tests.unit.crm.made import decided_by, judged, sent


def newcomer() -> str:
    return f"Mai-{new_id().hex[-12:]}@new.example"


def to_newcomer(people: People, address: str, **more: object) -> PreparedMessage:
    fields = {"records": (), "create_contacts": (address.upper(),)} | more
    return asked(people, address, **fields)


async def events_of(crm: Collaborators, people: People, question: PreparedMessage) -> list[MessageEvent]:
    """Prepared, sent, opened, and decided as the logger would."""
    await crm.directory.prepare(question)
    decision = decide(await crm.directory.log_inputs(people.account_id, question.message_id))
    of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    return [sent(**of), judged("a", 60, **of), decided_by(decision, **of)]


async def play(crm: Collaborators, events: list[MessageEvent]) -> None:
    await MessageHandler(crm.stores.messages)([(event, ()) for event in events])


async def contacts(crm: Collaborators, people: People, address: str) -> list[Contact]:
    return [*(await crm.records.contacts.page(people.account_id, address)).items]


async def types(crm: Collaborators, people: People, contact: Contact) -> list[str]:
    record = RecordRef(record_type=RecordType.CONTACT, record_id=contact.id)
    return sorted(row.type.value for row in (await crm.timelines.page(people.account_id, record)).items)


@pytest.mark.requirement("L5", "L6", "P1")
async def test_a_recipient_who_was_asked_for_becomes_a_contact_and_the_mail_stands_there(
    crm: Collaborators, people: People
) -> None:
    """No marketing, no legal basis, the sending rep its owner; once, however often the events come."""
    address = newcomer()
    events = await events_of(crm, people, to_newcomer(people, address))
    for _ in range(3):
        await play(crm, events)
    (contact,) = await contacts(crm, people, address)
    assert contact.addresses == (address.casefold(),)
    assert (contact.owner_id, contact.marketing) == (people.rep.id, False)
    assert contact.legal_basis.kind is LegalBasisKind.NONE
    assert await types(crm, people, contact) == ["email", "open"]


@pytest.mark.requirement("L6", "L13")
async def test_where_the_account_uses_no_marketing_contacts_a_newcomer_has_no_marketing_status(
    crm: Collaborators, people: People
) -> None:
    """As it was when the mail was decided on; the mail says so. Nothing shows a status that there is not,
    and an edit of something else gives none."""
    admin, on = people.who(people.admin), EmailSettings()
    await crm.email_settings.change(admin, on.model_copy(update={"marketing_contacts": False}))
    address = newcomer()
    question = to_newcomer(people, address)
    events = await events_of(crm, people, question)
    await crm.email_settings.change(admin, on)
    await play(crm, events)
    (contact,) = await contacts(crm, people, address)
    assert contact.marketing is None
    mail = await crm.mails.get(people.who(people.rep), question.message_id, "en")
    assert mail.decision is not None
    said = [reason.sentence for reason in mail.decision.recipients[0].reasons]
    assert said[1] == (
        "The account does not use marketing contacts: the new contact has no marketing status."
    )
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        path = f"/v1/contacts/{contact.id}"
        assert (await http.get(path)).json()["marketing"] is None
        changed = await http.patch(path, json={"phone": "1"})
        assert changed.json()["marketing"] is None
        assert (await http.patch(path, json={"marketing": True})).json()["marketing"] is True
    again = newcomer()
    await play(crm, await events_of(crm, people, to_newcomer(people, again)))
    assert [one.marketing for one in await contacts(crm, people, again)] == [False]


@pytest.mark.requirement("L5")
async def test_unticked_nobody_is_made(crm: Collaborators, people: People) -> None:
    """The mail goes to existing records only."""
    address = newcomer()
    await play(crm, await events_of(crm, people, to_newcomer(people, address, create_contacts=())))
    assert await contacts(crm, people, address) == []


@pytest.mark.requirement("L5", "L8")
async def test_a_listed_newcomer_is_not_made(crm: Collaborators, people: People) -> None:
    """Beside one who is."""
    listed, free = newcomer(), newcomer()
    await crm.never_log.add(people.who(people.admin), [listed])
    question = asked(people, listed, free, records=(), create_contacts=(listed, free))
    await play(crm, await events_of(crm, people, question))
    assert await contacts(crm, people, listed) == []
    assert len(await contacts(crm, people, free)) == 1


@pytest.mark.requirement("L5", "T9")
async def test_the_draft_may_come_after_the_decision(crm: Collaborators, people: People) -> None:
    """Then the contact is made with the draft."""
    address = newcomer()
    question = to_newcomer(people, address)
    events = await events_of(crm, people, question)
    later = question.model_copy(update={"message_id": new_id()})
    orphans = [event.model_copy(update={"message_id": later.message_id}) for event in events]
    await play(crm, orphans)
    assert await contacts(crm, people, address) == []
    await crm.directory.prepare(later)
    (contact,) = await contacts(crm, people, address)
    assert "email" in await types(crm, people, contact)


@pytest.mark.requirement("L5")
async def test_two_mails_at_once_make_one_contact(crm: Collaborators, people: People) -> None:
    """And one that somebody made between decision and logging is the one."""
    address, made = newcomer(), newcomer()
    lives = [await events_of(crm, people, to_newcomer(people, address)) for _ in range(4)]
    await asyncio.gather(*(play(crm, events) for events in lives))
    (contact,) = await contacts(crm, people, address)
    assert (await types(crm, people, contact)).count("email") == 4
    events = await events_of(crm, people, to_newcomer(people, made))
    by_hand = await crm.records.contacts.create(people.account_id, {"name": "Mai", "addresses": [made]})
    await play(crm, events)
    assert [one.id for one in await contacts(crm, people, made)] == [by_hand.id]
    assert await types(crm, people, by_hand) == ["email", "open"]


@pytest.mark.requirement("L5")
async def test_a_mail_that_is_not_logged_makes_nobody(crm: Collaborators, people: People) -> None:
    """Whatever was ticked."""
    address = newcomer()
    events = await events_of(crm, people, to_newcomer(people, address, log=False))
    assert events[-1].outcome is LogOutcome.NOT_LOGGED  # type: ignore[union-attr]
    await play(crm, events)
    assert await contacts(crm, people, address) == []
