"""What a rep wants to come up: kept, published with every change, and restored on a new broker (B8)."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.crm.application import mutes as muting
from services.crm.collaborators import Collaborators
from shared.events.base import Event
from shared.events.ids import new_id
from shared.events.notification_policies import MessageMuteChanged, NotificationPolicyChanged
from shared.events.notifications import FeedChanged
from tests.integration.crm.people import People, as_user, asked, client, written
from tests.integration.crm.uploads import Upload

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B8")]
DEFAULT = {"opens": "every", "pause_days": 7, "clicks": True, "quiet_hours": []}
NIGHTS = {"days": [1, 2, 3, 4, 5], "begin": "19:00", "end": "08:30"}


def policies(events: Sequence[Event]) -> list[NotificationPolicyChanged]:
    return [event for event in events if isinstance(event, NotificationPolicyChanged)]


def mutes(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    found = [event for event in events if isinstance(event, MessageMuteChanged)]
    return [(event.message_id, event.muted, event.slots) for event in found]


async def all_follow(crm: Collaborators) -> None:
    while await crm.mutes.step():
        pass


async def test_a_policy_is_changed_shown_and_published_with_the_rep_s_zone(
    crm: Collaborators, people: People
) -> None:
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.get("/v1/notifications/policy")).json() == DEFAULT
        wanted = {"opens": "after_pause", "pause_days": 3, "clicks": False, "quiet_hours": [NIGHTS]}
        for _ in range(2):
            assert (await http.put("/v1/notifications/policy", json=wanted)).json() == wanted
        assert (await http.patch("/v1/me", json={"time_zone": "Asia/Tokyo"})).status_code == 200
        assert (await http.patch("/v1/me", json={"name": "Rep"})).status_code == 200
        assert (await http.get("/v1/notifications/policy")).json() == wanted
        assert (await http.put("/v1/notifications/policy", json=DEFAULT)).json() == DEFAULT
        http.headers.update(as_user(crm, people, people.admin))
        assert (await http.get("/v1/notifications/policy")).json() == DEFAULT
    said = policies(await written(crm, people.account_id))
    assert [(one.version, one.time_zone, one.opens, one.clicks) for one in said] == [
        (1, "UTC", "after_pause", False),
        (2, "Asia/Tokyo", "after_pause", False),
        (3, "Asia/Tokyo", "every", True),
    ]
    assert {one.user_id for one in said} == {people.rep.id}
    assert [(span.days, span.begin, span.end) for span in said[1].quiet_hours] == [
        ((1, 2, 3, 4, 5), 19 * 60, 8 * 60 + 30)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"opens": "never"},
        {"pause_days": 0},
        {"pause_days": 366},
        {"quiet_hours": [NIGHTS | {"begin": "24:00"}]},
        {"quiet_hours": [NIGHTS | {"days": []}]},
        {"quiet_hours": [NIGHTS | {"days": [8]}]},
        {"quiet_hours": [NIGHTS] * 8},
        {"sound": "loud"},
    ],
)
async def test_what_is_no_policy_is_refused(
    crm: Collaborators, people: People, wrong: dict[str, Any]
) -> None:
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.put("/v1/notifications/policy", json=wrong)).status_code == 422
    assert await written(crm, people.account_id) == []


async def test_a_zone_is_published_only_for_whoever_has_a_policy(crm: Collaborators, people: People) -> None:
    await crm.profiles.change(people.who(people.rep), {"time_zone": "Asia/Tokyo"})
    assert await written(crm, people.account_id) == []


async def test_a_mail_is_muted_and_unmuted_once_by_its_sender_alone(
    crm: Collaborators, people: People
) -> None:
    question = asked(people)
    await crm.directory.prepare(question)
    path = f"/v1/notifications/muted-mails/{question.message_id}"
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        assert (await http.put(path)).status_code == 404
        http.headers.update(as_user(crm, people, people.rep))
        for method in ("PUT", "PUT", "DELETE", "DELETE"):
            assert (await http.request(method, path)).status_code == 204
        assert (await http.put(f"/v1/notifications/muted-mails/{new_id()}")).status_code == 404
    events = await written(crm, people.account_id)
    assert mutes(events) == [(question.message_id, True, ()), (question.message_id, False, ())]
    rows = [event for event in events if isinstance(event, FeedChanged)]
    assert [row.message_id for row in rows] == [question.message_id] * 2


async def test_a_muted_contact_mutes_mails_from_before_and_after_and_no_colleague_s(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muting, "_AT_ONCE", 2)  # so that three mails take two pieces
    both, alone, other, third = (
        asked(people, "hanako@sakura.example", "liam@northwind.example"),
        asked(people),
        asked(people, "liam@northwind.example"),
        asked(people),
    )
    colleague_s = asked(people, user_id=people.admin.id, from_address=people.admin.address)
    for question in (both, alone, other, third, colleague_s):
        await crm.directory.prepare(question)
    rep = people.who(people.rep)
    await crm.mutes.mute_contact(rep, people.hanako.id, muted=True)
    await all_follow(crm)
    expected = [
        (both.message_id, False, (0,)),
        (alone.message_id, True, (0,)),
        (third.message_id, True, (0,)),
    ]
    assert sorted(mutes(await written(crm, people.account_id))) == sorted(expected)
    later = asked(people, "liam@northwind.example", "hanako@sakura.example")
    for _ in range(2):
        await crm.directory.prepare(later)
    said = mutes(await written(crm, people.account_id))
    assert [one for one in said if one[0] == later.message_id] == [(later.message_id, False, (1,))]
    assert await crm.mutes.contact_is_muted(rep, people.hanako.id)
    assert not await crm.mutes.contact_is_muted(people.who(people.admin), people.hanako.id)
    await crm.mutes.mute_contact(rep, people.hanako.id, muted=False)
    await all_follow(crm)
    last = {one[0]: one[1:] for one in mutes(await written(crm, people.account_id))}
    assert set(last.values()) == {(False, ())}
    assert last.keys() == {one.message_id for one in (both, alone, third, later)}


async def test_what_was_muted_when_the_process_ended_is_finished_by_the_next(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muting, "_AT_ONCE", 2)
    questions = [asked(people) for _ in range(5)]
    for question in questions:
        await crm.directory.prepare(question)
    await crm.mutes.mute_contact(people.who(people.rep), people.hanako.id, muted=True)
    await crm.mutes.step()
    assert len(mutes(await written(crm, people.account_id))) == 2
    await all_follow(crm)
    assert {one[0] for one in mutes(await written(crm, people.account_id))} == {
        question.message_id for question in questions
    }


async def test_muted_contacts_are_listed_by_name_and_are_not_without_end(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muting, "MOST_CONTACTS", 1)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        path = f"/v1/notifications/muted-contacts/{people.hanako.id}"
        for _ in range(2):
            assert (await http.put(path)).status_code == 204
        assert (await http.put(f"/v1/notifications/muted-contacts/{people.liam.id}")).status_code == 409
        listed = (await http.get("/v1/notifications/muted-contacts")).json()
        assert listed == {"contacts": [{"contact_id": str(people.hanako.id), "name": "山田 花子"}]}
        assert (await http.put(f"/v1/notifications/muted-contacts/{new_id()}")).status_code == 404
        assert (await http.delete(path)).status_code == 204
        assert (await http.get("/v1/notifications/muted-contacts")).json() == {"contacts": []}
    await all_follow(crm)


async def test_the_feed_says_what_is_muted(crm: Collaborators, people: People) -> None:
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    await upload.send()
    rep, message_id = people.who(people.rep), upload.question.message_id
    await crm.mutes.mute_mail(rep, message_id, muted=True)
    await crm.mutes.mute_contact(rep, people.hanako.id, muted=True)
    await all_follow(crm)
    row = await crm.feed.row(people.account_id, people.rep.id, message_id)
    (listed,) = (await crm.feed.page(people.account_id, people.rep.id)).items
    assert [(one.muted, one.muted_slots) for one in (row, listed)] == [(True, (0,))] * 2


async def test_all_of_it_is_there_for_a_new_broker(crm: Collaborators, people: People) -> None:
    """The last word of each, as it was published."""
    question = asked(people)
    await crm.directory.prepare(question)
    rep = people.who(people.rep)
    policy = await crm.notification_policies.get(rep)
    for clicks in (False, True, False):
        await crm.notification_policies.change(rep, policy.model_copy(update={"clicks": clicks}))
    for muted in (True, False, True):
        await crm.mutes.mute_mail(rep, question.message_id, muted=muted)
    published = await written(crm, people.account_id)
    restored = [
        event
        async for batch in crm.stores.upkeep.notification_policies()
        for event in batch
        if event.account_id == people.account_id
    ]
    mine = [event for event in published if isinstance(event, MessageMuteChanged)]
    assert restored == [policies(published)[-1], mine[-1]]
