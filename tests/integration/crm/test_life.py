"""The life of mails in the database: what the handlers write is what the rules say."""

import random
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.crm.collaborators import Collaborators
from services.crm.handlers import HitHandler, MessageHandler
from services.crm.model.origins import Device, Place, PlaceUnknown
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.files import MessageEvent
from services.crm.store.database import Database
from shared.directory.contract import RecordRef
from shared.events.base import Event
from shared.events.engagements import EngagementKind, Verdict
from shared.events.hits import Endpoint, HitRecorded, HitRelated
from shared.events.ids import derived_id, new_id
from shared.events.log_decisions import RecordType
from shared.events.notifications import FeedChanged
from shared.http.problems import Problem
from tests.integration.crm.people import People, as_user, asked, client, written
from tests.unit.crm.made import at, clicked, decided, judged, scheduled, sent


def on(kind: RecordType, id_: UUID) -> RecordRef:
    """A record."""
    return RecordRef(record_type=kind, record_id=id_)


def life(people: People, message_id: UUID) -> list[MessageEvent]:
    """Scheduled, sent, opened (one open corrected away), clicked, logged on Hanako and the deal."""
    of: dict[str, Any] = {
        "message_id": message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    records = (on(RecordType.CONTACT, people.hanako.id), on(RecordType.DEAL, people.deal.id))
    return [
        scheduled(**of),
        sent(**of),
        judged("one", 60, **of),
        judged("one", 60, revision=1, verdict=Verdict.MACHINE, **of),
        judged("two", 70.1234567, **of),
        clicked(**of),
        decided(*records, **of),
    ]


async def play(crm: Collaborators, events: list[MessageEvent], size: int = 200) -> None:
    """Give the events to the handler in batches."""
    handler = MessageHandler(crm.stores.messages)
    for start in range(0, len(events), size):
        await handler([(event, ()) for event in events[start : start + size]])


async def rows(crm: Collaborators, people: People, record: RecordRef) -> tuple[TimelineRow, ...]:
    """The newest rows of a record."""
    return (await crm.timelines.page(people.account_id, record)).items


async def seen(crm: Collaborators, people: People, message_id: UUID) -> tuple[object, ...]:
    """All that people see of a message, without its own ids."""
    detail = await crm.feed.detail(people.account_id, people.rep.id, message_id)
    engagements = [(one.kind, one.verdict, one.occurred_at, one.revision) for one in detail.engagements]
    records = (on(RecordType.CONTACT, people.hanako.id), on(RecordType.DEAL, people.deal.id))
    timelines = [
        (row.record_id, row.type, row.occurred_at, row.subject, row.link)
        for record in records
        for row in await rows(crm, people, record)
        if row.message_id == message_id
    ]
    shown = detail.model_dump(exclude={"message_id", "engagements"})
    return shown, engagements, timelines


@pytest.mark.requirement("T3", "L2", "R2")
async def test_a_mail_from_prepare_to_timeline(crm: Collaborators, people: People) -> None:
    """Feed row, engagements, exactly the decided records, the decision with its inputs."""
    question = asked(people)
    await crm.directory.prepare(question)
    await crm.directory.log_inputs(people.account_id, question.message_id)
    await play(crm, life(people, question.message_id))
    detail = await crm.feed.detail(people.account_id, people.rep.id, question.message_id)
    assert (detail.state.value, detail.opens, detail.clicks, detail.subject) == ("opened", 1, 1, "Offer")
    assert [link.clicks for link in detail.links] == [0, 1]
    assert [one.kind for one in detail.engagements] == [
        EngagementKind.CLICK,
        EngagementKind.OPEN,
        EngagementKind.OPEN,
    ]
    hanako = await rows(crm, people, on(RecordType.CONTACT, people.hanako.id))
    assert [row.type for row in hanako] == [TimelineType.CLICK, TimelineType.OPEN, TimelineType.EMAIL]
    assert [row.type for row in await rows(crm, people, on(RecordType.DEAL, people.deal.id))] == [
        TimelineType.EMAIL
    ]
    assert await rows(crm, people, on(RecordType.CONTACT, people.liam.id)) == ()
    decision = await crm.stores.messages.decision(people.account_id, question.message_id)
    assert decision is not None
    assert decision.inputs is not None
    assert decision.inputs.recipients[0].contact_id == people.hanako.id


@pytest.mark.requirement("T9")
@pytest.mark.parametrize("seed", range(4))
async def test_repeats_and_any_order_are_seen_as_one(crm: Collaborators, people: People, seed: int) -> None:
    """Batches of one and of many, everything twice and shuffled: what people see is the same."""
    order = random.Random(seed)
    straight, shuffled = asked(people), asked(people)
    await crm.directory.prepare(straight)
    await play(crm, life(people, straight.message_id))
    events = life(people, shuffled.message_id) * 2
    order.shuffle(events)
    if orphan := seed % 2 == 1:  # the events are there before the mail was prepared
        await play(crm, events, size=order.choice([1, 3, 200]))
    await crm.directory.prepare(shuffled)
    if not orphan:
        await play(crm, events, size=order.choice([1, 3, 200]))
    assert await seen(crm, people, shuffled.message_id) == await seen(crm, people, straight.message_id)


async def test_the_feed_s_changes_are_told_with_what_changed(crm: Collaborators, people: People) -> None:
    """In the outbox, in the same transaction; a repeat tells nothing more."""
    question = asked(people)
    await crm.directory.prepare(question)
    events = life(people, question.message_id)
    await play(crm, events, size=1)
    told = await written(crm, people.account_id)
    # the scheduled mail has no row yet, and a decision changes no row
    causes = [event for event in events if event not in (events[0], events[-1])]
    expected = [derived_id("feed-changed", event.event_id) for event in causes]
    assert [event.event_id for event in told if isinstance(event, FeedChanged)] == expected
    await play(crm, events)
    again = [event for event in await written(crm, people.account_id) if isinstance(event, FeedChanged)]
    assert len(again) == len(expected)


async def test_feed_and_timeline_page_by_cursor(crm: Collaborators, people: People) -> None:
    """Each row once, newest first, whatever the page size; a new mail meanwhile moves nothing."""
    ids = []
    for number in range(7):
        question = asked(people, subject=f"Mail {number}")
        await crm.directory.prepare(question)
        of: dict[str, Any] = {
            "message_id": question.message_id,
            "account_id": people.account_id,
            "user_id": people.rep.id,
        }
        seconds = 10 + number // 2  # two at the same time: the id decides
        await play(crm, [sent(seconds, **of), judged("x", seconds + 1, **of)])
        ids.append((at(seconds), question.message_id.hex))
    walked, after = [], None
    while True:
        page = await crm.feed.page(people.account_id, people.rep.id, after, 2)
        walked += [(row.sent_at, row.message_id.hex) for row in page.items]
        after = page.next
        if after is None:
            break
    assert walked == sorted(ids, reverse=True)
    hanako, opens = on(RecordType.CONTACT, people.hanako.id), TimelineType.OPEN
    first = await crm.timelines.page(people.account_id, hanako, None, 3, opens)
    second = await crm.timelines.page(people.account_id, hanako, first.next, 10, opens)
    assert (len(first.items), len(second.items), second.next) == (3, 4, None)
    assert len({row.id for row in first.items + second.items}) == 7
    mails = await crm.timelines.page(people.account_id, hanako, None, 10, TimelineType.EMAIL)
    assert mails.items == ()


async def test_the_feed_is_the_rep_s_own(crm: Collaborators, people: People) -> None:
    """Not a colleague's, not another account's, not by API."""
    question = asked(people)
    await crm.directory.prepare(question)
    await play(crm, life(people, question.message_id))
    async with client(crm) as http:
        for user in (people.admin, people.stranger):
            headers = as_user(crm, people, user)
            assert (await http.get("/v1/feed", headers=headers)).json() == {"items": [], "next": None}
            row = f"/v1/feed/{question.message_id}"
            assert (await http.get(row, headers=headers)).status_code == 404
        own = as_user(crm, people, people.rep)
        detail = (await http.get(f"/v1/feed/{question.message_id}", headers=own)).json()
        assert (detail["state"], len(detail["engagements"])) == ("opened", 3)


@pytest.mark.requirement("P3")
async def test_anonymous_opens_name_nobody_in_the_feed(crm: Collaborators, people: People) -> None:
    """Whatever candidates an event brought."""
    question = asked(people)
    await crm.directory.prepare(question)
    of: dict[str, Any] = {
        "message_id": question.message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }

    await play(crm, [sent(**of), judged("x", anonymous=True, candidates=(0,), **of)])
    detail = await crm.feed.detail(people.account_id, people.rep.id, question.message_id)
    assert [one.candidates for one in detail.engagements] == [()]


@pytest.mark.requirement("B2")
async def test_raw_hits_are_archived_once_and_for_a_time(
    crm: Collaborators, database: Database, people: People
) -> None:
    """The same hit twice is one document, with the day on which it goes; what relates it to others is one."""
    hit = HitRecorded(
        event_id=new_id(),
        occurred_at=at(5),
        account_id=people.account_id,
        message_id=new_id(),
        endpoint=Endpoint.PIXEL,
        method="GET",
        client_address="203.0.113.7",
    )
    related = HitRelated(
        event_id=new_id(),
        occurred_at=at(5),
        account_id=people.account_id,
        message_id=hit.message_id,
        hit_id=hit.event_id,
        rule="bursts.many-mails",
        value=3,
    )
    batch: list[tuple[Event, Any]] = [(hit, ()), (hit, ()), (related, ())]
    await HitHandler(crm.stores.hits, timedelta(days=90))(batch)
    await HitHandler(crm.stores.hits, timedelta(days=90))(batch)
    found = await database.collection("hits", []).find({"account_id": people.account_id}).to_list(None)
    kept_until = at(5) + timedelta(days=90)
    kept = {one["_id"]: one for one in found}
    assert [one["kept_until"] for one in found] == [kept_until, kept_until]
    assert kept[hit.event_id]["client_address"] == "203.0.113.7"
    assert (kept[related.event_id]["hit_id"], kept[related.event_id]["value"]) == (hit.event_id, 3)


@pytest.mark.requirement("T5", "A6")
async def test_a_place_is_shown_as_long_as_the_hit_is_archived(crm: Collaborators, people: People) -> None:
    """By the database of countries that is part of Kaifu; the mail's rep and nobody else sees it."""
    question = asked(people)
    await crm.directory.prepare(question)
    of: dict[str, Any] = {"message_id": question.message_id, "account_id": people.account_id}
    person = judged("person", verdict=Verdict.HUMAN, user_id=people.rep.id, **of)
    proxy = judged("proxy", 70, user_id=people.rep.id, **of)
    await play(crm, [sent(user_id=people.rep.id, **of), person, proxy])
    hits: list[tuple[Event, Any]] = [
        (
            HitRecorded(
                event_id=judgement.hit_id,
                occurred_at=judgement.occurred_at,
                endpoint=Endpoint.PIXEL,
                method="GET",
                client_address="133.11.0.1",
                user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0",
                **of,
            ),
            (),
        )
        for judgement in (person, proxy)
    ]
    await HitHandler(crm.stores.hits, timedelta(days=90))(hits)
    detail = partial(crm.feed.detail, people.account_id, people.rep.id, question.message_id)
    by_proxy, by_person = (await detail()).engagements
    assert (by_proxy.place, by_proxy.device, by_proxy.place_unknown) == (None, None, PlaceUnknown.PROXY)
    assert by_person.place == Place(country="JP")
    assert by_person.device == Device(program="Thunderbird", system="Linux")
    assert await crm.stores.hits.forget_before(people.account_id, at(100), 10) == 2
    _, by_person = (await detail()).engagements
    assert (by_person.place, by_person.device) == (None, None)
    assert by_person.place_unknown is PlaceUnknown.NOT_KEPT


async def test_a_record_of_another_account_has_no_timeline(crm: Collaborators, people: People) -> None:
    """404, as for one that never was."""
    with pytest.raises(Problem) as refused:
        await crm.timelines.page(people.stranger.account_id, on(RecordType.CONTACT, people.hanako.id))
    assert refused.value.problem.name == "not-found"
