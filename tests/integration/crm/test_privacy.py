"""A legal basis that is withdrawn disarms mail that is already sent (P1, P4), on a real database."""

import asyncio
from uuid import UUID

import pytest

from services.crm.adapters import reviewer
from services.crm.adapters.reviewer import review_until
from services.crm.application import privacy
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import EmailSettings
from services.crm.model.messages import Message
from services.crm.model.records import LegalBasis, LegalBasisKind
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.events.revocations import RevocationEvent, TrackingRevoked
from shared.health.progress import Progress
from tests.integration.crm.people import BASIS, People, asked, written

HANAKO, LIAM = "hanako@sakura.example", "liam@northwind.example"
NONE = {"kind": "none", "source": "withdrawn by mail"}
ON, OFF = EmailSettings(data_privacy=True), EmailSettings()


async def reviewed(crm: Collaborators) -> None:
    while await crm.privacy.step():
        pass


async def said(crm: Collaborators, people: People) -> list[tuple[object, bool]]:
    """Subjects of revocation events in order, and whether each was revoked."""
    events = await written(crm, people.account_id)
    return [
        (one.subject_id, isinstance(one, TrackingRevoked))
        for one in events
        if isinstance(one, RevocationEvent)
    ]


async def switch(crm: Collaborators, people: People, settings: EmailSettings) -> None:
    await crm.email_settings.change(people.who(people.admin), settings)
    await reviewed(crm)


@pytest.mark.requirement("P4")
async def test_withdrawing_a_basis_disarms_sent_mail_and_giving_one_arms_it(
    crm: Collaborators, people: People
) -> None:
    """Only mail to that contact, and only while data privacy is on."""
    await switch(crm, people, ON)
    mail = asked(people, HANAKO)
    assert (await crm.directory.prepare(mail)).tracked
    other = asked(people, LIAM)
    assert not (await crm.directory.prepare(other)).tracked
    contacts, id_ = crm.records.contacts, people.hanako.id
    for basis, expected in ((NONE, [True]), (NONE, [True]), (BASIS, [True, False])):
        await contacts.edit(people.account_id, id_, {"legal_basis": basis})
        await reviewed(crm)
        assert await said(crm, people) == [(mail.message_id, revoked) for revoked in expected]
    await switch(crm, people, OFF)
    await contacts.edit(people.account_id, id_, {"legal_basis": NONE})
    await reviewed(crm)
    assert len(await said(crm, people)) == 2


@pytest.mark.requirement("P4")
async def test_a_change_of_many_and_a_deletion_disarm_too(crm: Collaborators, people: People) -> None:
    """And taking the deletion back arms again."""
    await switch(crm, people, ON)
    mail = asked(people, HANAKO)
    await crm.directory.prepare(mail)
    who, id_ = people.who(people.admin), people.hanako.id
    contact = RecordRef(record_type=RecordType.CONTACT, record_id=id_)
    bases = (LegalBasis(kind=LegalBasisKind.NONE), LegalBasis(kind=LegalBasisKind.FREELY_GIVEN_CONSENT))
    for basis, revoked in zip(bases, (True, False), strict=True):
        await crm.legal_bases.change_all(who, [id_, people.liam.id], basis)
        await reviewed(crm)
        assert (await said(crm, people))[-1] == (mail.message_id, revoked)
    await crm.recycle_bin.delete(who, contact)
    await reviewed(crm)
    assert (await said(crm, people))[-1] == (mail.message_id, True)
    await crm.recycle_bin.restore(who, contact)
    await reviewed(crm)
    assert (await said(crm, people))[-1] == (mail.message_id, False)


@pytest.mark.requirement("P1", "P3")
async def test_the_switch_reaches_mail_that_is_already_sent(crm: Collaborators, people: People) -> None:
    """Mail to people without a basis, and mail to several that would name one of them; off, all is armed."""
    mails = [asked(people, *to) for to in ((HANAKO,), (LIAM,), (HANAKO, LIAM), ("new@else.example",))]
    for mail in mails:
        await crm.directory.prepare(mail)
    await switch(crm, people, ON)
    disarmed = {mail.message_id for mail in mails[1:]}
    assert set(await said(crm, people)) == {(id_, True) for id_ in disarmed}
    await switch(crm, people, ON)
    assert len(await said(crm, people)) == 3
    await switch(crm, people, OFF)
    assert set((await said(crm, people))[3:]) == {(id_, False) for id_ in disarmed}


@pytest.mark.requirement("P1")
async def test_much_mail_is_reviewed_in_pieces_by_several_processes_and_once(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop in between loses nothing: what was asked for stands in the database."""
    monkeypatch.setattr(privacy, "_AT_ONCE", 3)
    mails = [asked(people, LIAM) for _ in range(10)]
    for mail in mails:
        await crm.directory.prepare(mail)
    await crm.email_settings.change(people.who(people.admin), ON)
    while not await said(crm, people):
        assert await crm.privacy.step()  # other accounts' reviews may stand before this one's
    assert len(await said(crm, people)) < len(mails)
    await asyncio.gather(reviewed(crm), reviewed(crm), reviewed(crm))
    assert sorted(await said(crm, people), key=str) == sorted(
        ((mail.message_id, True) for mail in mails), key=str
    )


@pytest.mark.requirement("P4")
async def test_it_is_done_at_once_by_the_running_service(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No wait for the next look: the change itself wakes it, once it is committed."""
    monkeypatch.setattr(reviewer, "_LOOK_AGAIN_S", 3600)
    mail, stopping, progress = asked(people, LIAM), asyncio.Event(), Progress(60)
    await crm.directory.prepare(mail)
    running = asyncio.create_task(review_until(stopping, crm.privacy, progress))
    await crm.email_settings.change(people.who(people.admin), ON)
    async with asyncio.timeout(30):
        while await said(crm, people) != [(mail.message_id, True)]:
            await asyncio.sleep(0.02)
    stopping.set()
    await running


@pytest.mark.requirement("P1", "P4")
async def test_a_withdrawal_in_the_middle_of_a_prepare_disarms_it(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided before it, written after it, when its review had nothing to see yet."""
    await switch(crm, people, ON)
    mail, add = asked(people, HANAKO), crm.stores.messages.add

    async def withdrawn_meanwhile(account_id: UUID, message: Message) -> None:
        await crm.records.contacts.edit(people.account_id, people.hanako.id, {"legal_basis": NONE})
        await reviewed(crm)
        assert await said(crm, people) == []
        await add(account_id, message)

    monkeypatch.setattr(crm.stores.messages, "add", withdrawn_meanwhile)
    await crm.directory.prepare(mail)
    assert await said(crm, people) == [(mail.message_id, True)]


@pytest.mark.requirement("P4")
async def test_a_large_account_holds_up_nobody(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact's review goes before one of a whole account, and those take turns."""
    monkeypatch.setattr(privacy, "_AT_ONCE", 1)
    await reviewed(crm)
    mail = asked(people, HANAKO)
    for question in (mail, *(asked(people, LIAM) for _ in range(5))):
        await crm.directory.prepare(question)
    await crm.email_settings.change(people.who(people.admin), ON)
    await crm.records.contacts.edit(people.account_id, people.hanako.id, {"legal_basis": NONE})
    await crm.privacy.step()
    assert await said(crm, people) == [(mail.message_id, True)]
    await reviewed(crm)
    assert len(await said(crm, people)) == 6
