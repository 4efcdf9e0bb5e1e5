"""On which records a logged mail stands, put right by hand, on a real database (R3)."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from services.crm.application import mail_associations
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import User
from services.crm.model.records import Contact
from services.crm.model.timeline import TimelineRow, TimelineType
from shared.auth.tokens import Role
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, Reason, RecipientOutcome, RecordType
from shared.events.log_reasons import NEVER_LOG_RULE
from tests.integration.crm.people import People, as_user, client
from tests.integration.crm.test_mails import life, logged, path, play, prepared, refs
from tests.integration.crm.uploads import Upload
from tests.unit.crm.made import decided, sent

pytestmark = pytest.mark.requirement("R3")
EMAIL, OPEN, CLICK = TimelineType.EMAIL, TimelineType.OPEN, TimelineType.CLICK


def ref(type_: RecordType, record: Any) -> RecordRef:
    """That record."""
    return RecordRef(record_type=type_, record_id=record.id)


def body(*on: RecordRef) -> dict[str, Any]:
    """What PUT takes."""
    return {"records": [one.model_dump(mode="json") for one in on]}


async def put(
    crm: Collaborators,
    people: People,
    upload: Upload,
    *on: RecordRef,
    user: User | None = None,
    if_match: str | None = None,
) -> httpx.Response:
    """The API's answer to a colleague of the sender, unless somebody else asks."""
    headers = as_user(crm, people, user or people.admin) | ({"If-Match": if_match} if if_match else {})
    async with client(crm) as http:
        return await http.put(path(upload, "associations"), json=body(*on), headers=headers)


async def where(crm: Collaborators, people: People, upload: Upload) -> tuple[set[RecordRef], str]:
    """The records that the API names, and their version."""
    async with client(crm) as http:
        answer = await http.get(path(upload, "associations"), headers=as_user(crm, people, people.admin))
    assert answer.status_code == 200
    found = {
        RecordRef(record_type=one["record_type"], record_id=one["record_id"])
        for one in answer.json()["records"]
    }
    return found, answer.headers["ETag"]


async def rows(crm: Collaborators, people: People, on: RecordRef, upload: Upload) -> list[TimelineRow]:
    """What the record's timeline tells of the mail."""
    page = await crm.timelines.page(people.account_id, on)
    return [row for row in page.items if row.message_id == upload.question.message_id]


async def types(crm: Collaborators, people: People, on: RecordRef, upload: Upload) -> set[TimelineType]:
    """The kinds of those rows."""
    return {row.type for row in await rows(crm, people, on, upload)}


async def audited(crm: Collaborators, people: People) -> list[dict[str, Any]]:
    """What the audit log says of such edits, oldest first."""
    return [
        {"by": one.user_id, **one.before, **one.after}
        for one in reversed(await crm.stores.audit.newest(people.account_id, 50))
        if one.action == "mail.associations_changed"
    ]


async def test_a_mail_comes_to_and_goes_from_timelines(crm: Collaborators, people: People) -> None:
    """With its opens and clicks; the pin on a record that it left is gone, also when it comes back."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    company, id_ = ref(RecordType.COMPANY, people.sakura), upload.question.message_id
    await crm.pins.put(people.account_id, hanako, id_)
    assert await types(crm, people, hanako, upload) == {EMAIL, OPEN, CLICK}
    answer = await put(crm, people, upload, deal, company)
    assert answer.status_code == 200
    assert [one["name"] for one in answer.json()["records"]] == ["さくら商事", "Renewal"]
    assert await where(crm, people, upload) == ({deal, company}, answer.headers["ETag"])
    assert await types(crm, people, hanako, upload) == set()
    assert await types(crm, people, company, upload) == {EMAIL}
    assert await crm.pins.of(people.account_id, hanako) == ()
    mail = await crm.mails.get(people.who(people.rep), id_, "en")
    assert {one.record_id for one in mail.records} == {people.deal.id, people.sakura.id}
    assert [one.kind for one in mail.engagements] == ["click", "open"]
    assert (await put(crm, people, upload, hanako, deal, company)).status_code == 200
    assert await types(crm, people, hanako, upload) == {EMAIL, OPEN, CLICK}
    assert await crm.pins.of(people.account_id, hanako) == ()
    named = {"message_id": str(id_), "by": people.admin.id}
    assert await audited(crm, people) == [
        named | {"removed": f"contact {people.hanako.id}", "added": f"company {people.sakura.id}"},
        named | {"added": f"contact {people.hanako.id}"},
    ]


async def test_a_recipient_who_was_not_ticked_gets_the_subject_with_the_opens(
    crm: Collaborators, people: People
) -> None:
    """Before, the opens stand there without it (R2), and again once that is taken back."""
    upload = await prepared(crm, people)
    hanako, deal = refs(people)
    sending, _, opening, click = life(people, upload.question.message_id)
    await play(crm, [sending, opening, click])
    await upload.decide(deal)

    async def told() -> set[tuple[TimelineType, str | None]]:
        return {(row.type, row.subject) for row in await rows(crm, people, hanako, upload)}

    assert await told() == {(OPEN, None), (CLICK, None)}
    assert (await put(crm, people, upload, deal, hanako)).status_code == 200
    assert await told() == {(EMAIL, "Offer"), (OPEN, "Offer"), (CLICK, "Offer")}
    assert (await put(crm, people, upload, deal)).status_code == 200
    assert await told() == {(OPEN, None), (CLICK, None)}


async def test_what_was_put_right_holds_whatever_comes_again(crm: Collaborators, people: People) -> None:
    """Redelivery, corrections, and an earlier decision that says otherwise, in any order."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    company = ref(RecordType.COMPANY, people.sakura)
    assert (await put(crm, people, upload, deal, company)).status_code == 200
    of: dict[str, Any] = {
        "message_id": upload.question.message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    earlier = decided(hanako, seconds=1, **of, event_id=new_id())
    events = [*life(people, upload.question.message_id), sent(12, **of), earlier] * 2
    random.Random(5).shuffle(events)
    await play(crm, events)
    assert await upload.put() == 204
    assert await types(crm, people, hanako, upload) == set()
    assert await types(crm, people, company, upload) == {EMAIL}
    assert (await where(crm, people, upload))[0] == {company}  # the deal was the later decision's


@pytest.mark.requirement("L13")
async def test_the_mail_s_reasons_say_who_put_it_right(crm: Collaborators, people: People) -> None:
    """First, before the rules' own; in the reader's language."""
    upload = await logged(crm, people)
    _, deal = refs(people)
    company = ref(RecordType.COMPANY, people.sakura)
    await put(crm, people, upload, deal, company)
    for language, words in (("en", "by hand"), ("ja", "手動")):
        mail = await crm.mails.get(people.who(people.rep), upload.question.message_id, language)  # type: ignore[arg-type]
        assert mail.decision is not None
        told = {
            one.record_id: (one.outcome, [reason.rule for reason in one.reasons])
            for one in mail.decision.records
        }
        assert told == {
            people.hanako.id: (LogOutcome.NOT_LOGGED, ["removed-by-hand", "record-ticked"]),
            people.deal.id: (LogOutcome.LOGGED, ["record-ticked"]),
            people.sakura.id: (LogOutcome.LOGGED, ["added-by-hand"]),
        }
        by_hand = [one.reasons[0] for one in mail.decision.records if len(one.reasons) == 2]
        assert [(one.user_id, one.at is not None) for one in by_hand] == [(people.admin.id, True)]
        assert words in by_hand[0].sentence
        assert people.admin.name in by_hand[0].sentence


async def test_only_records_that_are_there_can_be_added(crm: Collaborators, people: People) -> None:
    """Not another account's, not deleted ones, none of another kind; and nothing changes by the attempt."""
    upload = await logged(crm, people)
    before = await where(crm, people, upload)
    hanako, deal = refs(people)
    theirs = await crm.records.deals.create(people.stranger.account_id, {"name": "Theirs"})
    gone = await crm.records.tickets.create(people.account_id, {"name": "Gone"})
    await crm.recycle_bin.delete(people.who(people.rep), ref(RecordType.TICKET, gone))
    for bad in (
        ref(RecordType.DEAL, theirs),
        ref(RecordType.TICKET, gone),
        ref(RecordType.COMPANY, people.deal),
    ):
        answer = await put(crm, people, upload, hanako, deal, bad)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:kaifu:problem:no-such-record")
    assert await where(crm, people, upload) == before
    assert await audited(crm, people) == []


async def test_the_last_record_stays(crm: Collaborators, people: People) -> None:
    """To take the mail off all of them is to delete it. Those that are deleted do not count."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    assert (await put(crm, people, upload)).status_code == 422
    await crm.recycle_bin.delete(people.who(people.rep), deal)
    with pytest.raises(Exception, match="at least one record"):
        await crm.mail_associations.change(people.who(people.rep), upload.question.message_id, (), [hanako])
    assert (await put(crm, people, upload, hanako)).status_code == 200
    await crm.recycle_bin.restore(people.who(people.rep), deal)
    assert (await where(crm, people, upload))[0] == {hanako, deal}


@pytest.mark.requirement("L8")
async def test_a_never_listed_contact_can_t_be_added(crm: Collaborators, people: People) -> None:
    """Whether listed now, by any address, or when the mail was sent; the answer names it."""
    upload = await prepared(crm, people)
    hanako, deal = refs(people)
    of = {"message_id": upload.question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    listed = RecipientOutcome(
        slot=0,
        contact_id=people.hanako.id,
        outcome=LogOutcome.NOT_LOGGED,
        reasons=(Reason(rule=NEVER_LOG_RULE),),
    )
    await play(crm, [sent(**of), decided(deal, recipients=(listed,), **of)])
    await crm.never_log.add(people.who(people.admin), ["*.secret.example"])
    other = await crm.records.contacts.create(
        people.account_id, {"name": "Other", "addresses": ["a@open.example", "A+x@mail.SECRET.example"]}
    )
    for contact in (people.hanako, other):
        answer = await put(crm, people, upload, deal, ref(RecordType.CONTACT, contact))
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:kaifu:problem:never-logged")
        assert answer.json()["record_ids"] == [str(contact.id)]
    assert await types(crm, people, hanako, upload) == set()
    liam = ref(RecordType.CONTACT, people.liam)
    assert (await put(crm, people, upload, deal, liam)).status_code == 200
    await crm.never_log.add(people.who(people.admin), ["liam@northwind.example"])
    assert (await put(crm, people, upload, liam)).status_code == 200  # it stands there already
    assert (await where(crm, people, upload))[0] == {liam}


async def test_what_is_not_logged_or_deleted_can_t_be_given_records(
    crm: Collaborators, people: People
) -> None:
    """Undecided, decided against, called off: its sender is told, others find nothing. Deleted: nobody."""
    hanako, _ = refs(people)
    undecided, against, off = [await prepared(crm, people) for _ in range(3)]
    await against.send()
    await against.decide()
    await off.decide(hanako)
    await off.cancel()
    for upload in (undecided, against, off):
        answer = await put(crm, people, upload, hanako, user=people.rep)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:kaifu:problem:mail-not-logged")
        assert (await put(crm, people, upload, hanako)).status_code == 404
        assert await types(crm, people, hanako, upload) == set()
    deleted = await logged(crm, people)
    await crm.mails.delete(people.who(people.rep), deleted.question.message_id)
    for user in (people.rep, people.admin, people.stranger):
        assert (await put(crm, people, deleted, hanako, user=user)).status_code == 404


async def test_who_read_other_associations_is_told(crm: Collaborators, people: People) -> None:
    """412 with a stale version, and with what is no version of ours; the right one passes."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    company = ref(RecordType.COMPANY, people.sakura)
    _, first = await where(crm, people, upload)
    assert (await put(crm, people, upload, hanako, if_match=first)).status_code == 200
    for stale in (first, '"no version"', f"W/{first}"):
        answer = await put(crm, people, upload, company, if_match=stale)
        assert (answer.status_code, answer.json()["type"]) == (412, "urn:kaifu:problem:precondition-failed")
    _, second = await where(crm, people, upload)
    assert (await put(crm, people, upload, deal, company, if_match=f"{first}, {second}")).status_code == 200
    await crm.recycle_bin.delete(people.who(people.rep), deal)
    assert (await where(crm, people, upload))[1] not in {first, second}


async def several(crm: Collaborators, people: People, count: int) -> list[Contact]:
    """Further contacts."""
    return [
        await crm.records.contacts.create(people.account_id, {"name": f"Contact {number}"})
        for number in range(count)
    ]


async def test_of_two_edits_at_once_one_is_told(crm: Collaborators, people: People) -> None:
    """By version one wins; without, additions and removals are all kept."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    new = [ref(RecordType.CONTACT, one) for one in await several(crm, people, 5)]
    _, version = await where(crm, people, upload)
    answers = await asyncio.gather(*(put(crm, people, upload, hanako, one, if_match=version) for one in new))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    assert len(await audited(crm, people)) == 1
    who, id_ = people.who(people.rep), upload.question.message_id
    await put(crm, people, upload, hanako, deal)
    await asyncio.gather(
        crm.mail_associations.change(who, id_, (), [hanako]),
        *(crm.mail_associations.change(who, id_, [one], ()) for one in new),
    )
    assert (await where(crm, people, upload))[0] == {deal, *new}
    assert await types(crm, people, hanako, upload) == set()


async def test_a_decision_in_the_middle_of_an_edit_is_seen(crm: Collaborators, people: People) -> None:
    """An earlier decision comes between reading and writing: what was removed has no row by it."""
    upload = await prepared(crm, people)
    hanako, deal = refs(people)
    of: dict[str, Any] = {
        "message_id": upload.question.message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    await play(crm, [sent(**of), decided(hanako, deal, **of)])
    company = ref(RecordType.COMPANY, people.sakura)
    earlier = decided(hanako, deal, company, seconds=1, **of, event_id=new_id())
    upload.meanwhile(lambda: play(crm, [earlier]))
    assert (await put(crm, people, upload, deal)).status_code == 200
    assert (await where(crm, people, upload))[0] == {deal}
    for gone in (hanako, company):
        assert await types(crm, people, gone, upload) == set(), gone


@pytest.mark.parametrize("turn", range(3))
async def test_an_edit_and_what_comes_at_the_same_time_end_alike(
    crm: Collaborators, people: People, turn: int
) -> None:
    """Decision, opens, corrections beside it; while it is not decided, the edit changes nothing at all."""
    upload = await prepared(crm, people)
    hanako, deal = refs(people)
    sending, decision, opening, click = life(people, upload.question.message_id)
    await play(crm, [sending] if turn == 0 else [sending, decision])
    answer, *_ = await asyncio.gather(
        put(crm, people, upload, deal, user=people.rep),
        play(crm, [decision]),
        play(crm, [opening]),
        play(crm, [click]),
        upload.put(),
    )
    edited = answer.status_code == 200
    assert answer.status_code in ({200, 409} if turn == 0 else {200})
    assert await types(crm, people, deal, upload) == {EMAIL}
    assert await types(crm, people, hanako, upload) == (set() if edited else {EMAIL, OPEN, CLICK})


async def test_a_deletion_in_the_middle_of_an_edit_is_seen(crm: Collaborators, people: People) -> None:
    upload = await logged(crm, people)
    _, deal = refs(people)
    company = ref(RecordType.COMPANY, people.sakura)
    rep = people.who(people.rep)
    upload.meanwhile(lambda: crm.mails.delete(rep, upload.question.message_id))
    assert (await put(crm, people, upload, deal, company)).status_code == 404
    for one in (deal, company):
        assert await types(crm, people, one, upload) == set()


async def test_any_colleague_puts_it_right(crm: Collaborators, people: People) -> None:
    """A logged mail is everybody's."""
    upload = await logged(crm, people)
    colleague = crm.accounts.user(people.account_id, "Colleague", "colleague@own.example", Role.REP)
    assert (await put(crm, people, upload, refs(people)[1], user=colleague)).status_code == 200


async def test_associations_and_their_edits_are_bounded(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record that was ever edited is kept with its mail; the same again is no edit."""
    upload = await logged(crm, people)
    hanako, deal = refs(people)
    one, two, three = [ref(RecordType.CONTACT, one) for one in await several(crm, people, 3)]
    monkeypatch.setattr(mail_associations, "MOST_RECORDS", 3)
    monkeypatch.setattr(mail_associations, "MOST_EDITS", 2)
    assert (await put(crm, people, upload, hanako, deal, one, two)).status_code == 422
    assert (await put(crm, people, upload, hanako, deal, one)).status_code == 200
    for _ in range(2):
        assert (await put(crm, people, upload, hanako, deal, two)).status_code == 200
        assert (await put(crm, people, upload, hanako, deal, one)).status_code == 200
    answer = await put(crm, people, upload, hanako, deal, three)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:kaifu:problem:conflict")
    assert (await where(crm, people, upload))[0] == {hanako, deal, one}
    assert (await put(crm, people, upload, hanako, hanako, deal, one)).status_code == 200
    assert len(await audited(crm, people)) == 5
