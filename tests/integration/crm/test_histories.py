"""What a replay is told, on a real database."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.crm.application import histories
from services.crm.collaborators import Collaborators
from services.crm.handlers import HitHandler, MessageHandler
from shared.directory.histories import HistoriesAsked, MessageHistory, PageEnd
from shared.events.base import Event
from shared.events.hits import Endpoint, HitRecorded, ReplyReceived, ViewingReported
from shared.events.ids import new_id
from tests.integration.crm.people import People, as_user, asked, client
from tests.unit.crm.made import at, judged, sent

pytestmark = pytest.mark.requirement("B2")
SERVICES = {"Authorization": "Bearer the services' token"}


async def _mail(crm: Collaborators, people: People, *facts: float) -> tuple[UUID, list[Event]]:
    """A mail that was sent and opened, with its hits archived; and those."""
    question = asked(people)
    await crm.directory.prepare(question)
    of = {
        "message_id": question.message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    hits: list[Event] = [_hit(people, question.message_id, seconds) for seconds in facts]
    await MessageHandler(crm.stores.messages)([(sent(**of), ()), (judged("one", **of), ())])
    await HitHandler(crm.stores.hits, timedelta(days=3650))([(one, ()) for one in hits])
    return question.message_id, hits


def _hit(people: People, mail: UUID, seconds: float) -> HitRecorded:
    return HitRecorded(
        event_id=new_id(),
        occurred_at=at(seconds),
        account_id=people.account_id,
        message_id=mail,
        endpoint=Endpoint.LINK,
        method="GET",
        slot=0,
        link_index=1,
        client_address="198.51.100.7",
        user_agent="Mozilla/5.0",
        headers={"accept": "*/*"},
    )


def _span(people: People, **more: object) -> HistoriesAsked:
    fields = {"since": at(0), "until": at(1000), "account_id": people.account_id}
    return HistoriesAsked.model_validate(fields | more)


async def _all(crm: Collaborators, span: HistoriesAsked) -> tuple[list[MessageHistory], list[PageEnd]]:
    found, ends, after = [], [], None
    while True:
        some, end = await crm.histories.page(span, after)
        found += some
        ends.append(end)
        if (after := end.next) is None:
            return found, ends


async def test_a_history_is_what_came_over_kafka(crm: Collaborators, people: People) -> None:
    """To the microsecond, which the database's times are not; with what stands."""
    mail, hits = await _mail(crm, people, 60.123456, 61.000999)
    view = ViewingReported(
        event_id=new_id(),
        occurred_at=at(62.5),
        account_id=people.account_id,
        message_id=mail,
        user_id=people.rep.id,
    )
    reply = _reply(people, mail, 63.000001)
    await HitHandler(crm.stores.hits, timedelta(days=3650))([(view, ()), (reply, ())])
    (found,), _ = await _all(crm, _span(people))
    assert sorted(found.facts, key=lambda fact: fact.occurred_at) == [*hits, view, reply]
    (standing,) = found.standing
    expected = judged("one", message_id=mail, account_id=people.account_id, user_id=people.rep.id)
    assert standing.model_copy(update={"event_id": expected.event_id}) == expected
    assert found.send.message_id == mail
    extent = await crm.histories.extent(_span(people))
    assert (extent.messages, extent.since) == (1, at(60.123))


def _reply(people: People, mail: UUID, when: float) -> ReplyReceived:
    fields = {"account_id": people.account_id, "user_id": people.rep.id, "message_id": mail, "slot": 0}
    return ReplyReceived.model_validate(
        {"event_id": new_id(), "occurred_at": at(when), "replied_at": at(30.25), **fields}
    )


@pytest.mark.requirement("B2", "B7")
async def test_a_mail_that_was_only_answered_is_among_them(crm: Collaborators, people: People) -> None:
    mail, _ = await _mail(crm, people)
    await HitHandler(crm.stores.hits, timedelta(days=3650))([(_reply(people, mail, 60), ())])
    (found,), _ = await _all(crm, _span(people))
    assert (found.message_id, [fact.type for fact in found.facts]) == (mail, ["reply_received"])
    assert (await _all(crm, _span(people, until=at(60))))[0] == []


async def test_only_mails_that_were_fetched_in_the_span(crm: Collaborators, people: People) -> None:
    """Each as a whole; one that is named, whenever it was; another account's, never."""
    inside, hits = await _mail(crm, people, 60, 5000)
    outside, _ = await _mail(crm, people, 1000)
    (found,), _ = await _all(crm, _span(people))
    assert (found.message_id, len(found.facts)) == (inside, len(hits))
    named, _ = await _all(crm, _span(people, message_id=outside))
    assert [one.message_id for one in named] == [outside]
    elsewhere = {"account_id": people.stranger.account_id, "message_id": inside}
    assert (await _all(crm, _span(people, **elsewhere)))[0] == []
    everywhere, _ = await _all(crm, _span(people, account_id=None))
    assert inside in {one.message_id for one in everywhere}
    assert [one.place for one in everywhere] == sorted(one.place for one in everywhere)


async def test_a_page_is_bounded(crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """By messages and by hits; a mail with too many of them comes without any, and says so."""
    mails = sorted([(await _mail(crm, people, 60, 61))[0] for _ in range(4)])
    many, _ = await _mail(crm, people, *range(60, 66))
    monkeypatch.setattr(histories, "MOST_HITS", 5)
    monkeypatch.setattr(histories, "_MESSAGES_AT_ONCE", 3)
    found, ends = await _all(crm, _span(people))
    assert [(one.message_id, len(one.facts), one.whole) for one in found] == [
        *((mail, 2, True) for mail in mails),
        (many, 0, False),
    ]
    assert max(end.looked_at for end in ends) < 3
    assert sum(end.looked_at for end in ends) == 5


async def test_the_door_is_for_services(crm: Collaborators, people: People) -> None:
    mail, _ = await _mail(crm, people, 60)
    query = {"since": at(0).isoformat(), "until": at(1000).isoformat(), "account_id": str(people.account_id)}
    async with client(crm) as http:
        for path in ("/internal/v1/histories", "/internal/v1/histories/extent"):
            for headers in ({}, as_user(crm, people, people.admin)):
                assert (await http.get(path, params=query, headers=headers)).status_code == 401
        answer = await http.get("/internal/v1/histories", params=query, headers=SERVICES)
        assert answer.headers["content-type"] == "application/x-ndjson"
        first, *_, last = answer.text.splitlines()
        assert MessageHistory.model_validate_json(first).message_id == mail
        end = PageEnd.model_validate_json(last)
        rest = await http.get(
            "/internal/v1/histories", params=query | {"after": end.next or ""}, headers=SERVICES
        )
        assert PageEnd.model_validate_json(rest.text) == PageEnd(next=None, looked_at=0)
        wrong = await http.get("/internal/v1/histories", params=query | {"after": "x"}, headers=SERVICES)
        assert wrong.status_code == 422
