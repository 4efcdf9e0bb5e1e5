"""Settings, test notifications, bodies."""

import pytest

from services.crm.collaborators import Collaborators
from shared.auth.tokens import Role
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.events.notifications import NotificationRaised, SettingsChanged
from shared.events.revocations import RevocationEvent, RevocationScope
from tests.integration.crm.people import Clock, People, as_user, client, written
from tests.integration.crm.uploads import Upload

STARTS = {
    "log_default": False,
    "log_ticked": True,
    "track_default": False,
    "track_ticked": True,
    "marketing_contacts": True,
}
OFF = {"tracking": False, "logging": True, "log_attachments": True, "data_privacy": False} | STARTS
ON = OFF | {"tracking": True}


@pytest.mark.requirement("A1", "A4")
async def test_a_super_admin_switches_tracking(crm: Collaborators, people: People) -> None:
    """Off revokes the account, on restores it; every screen is told; every change stands in the audit log."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        for wanted in (OFF, OFF, ON):
            assert (await http.put("/v1/settings/email", json=wanted)).json() == wanted
        assert (await http.get("/v1/settings/email")).json() == ON
    events = await written(crm, people.account_id)
    revocations = [event for event in events if isinstance(event, RevocationEvent)]
    assert [(event.type, event.scope) for event in revocations] == [  # type: ignore[attr-defined]
        ("tracking_revoked", RevocationScope.ACCOUNT),
        ("tracking_restored", RevocationScope.ACCOUNT),
    ]
    assert {event.subject_id for event in revocations} == {people.account_id}
    told = [event.user_id for event in events if isinstance(event, SettingsChanged)]
    assert sorted(told) == sorted([people.rep.id, people.admin.id] * 2)
    audit = await crm.stores.audit.newest(people.account_id, 10)
    assert [(entry.before, entry.after) for entry in audit] == [
        ({"tracking": False}, {"tracking": True}),
        ({"tracking": True}, {"tracking": False}),
    ]
    assert {entry.user_id for entry in audit} == {people.admin.id}


@pytest.mark.requirement("A1")
async def test_others_neither_see_nor_change_settings(crm: Collaborators, people: People) -> None:
    """403, and nothing happens."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.get("/v1/settings/email")).status_code == 403
        assert (await http.put("/v1/settings/email", json=OFF)).status_code == 403
    assert await written(crm, people.account_id) == []


@pytest.mark.requirement("T4")
async def test_a_test_notification_is_raised_for_the_rep(crm: Collaborators, people: People) -> None:
    """Through the outbox."""
    async with client(crm) as http:
        answer = await http.post("/v1/notifications/test", headers=as_user(crm, people, people.rep))
    assert answer.status_code == 202
    (event,) = await written(crm, people.account_id)
    assert isinstance(event, NotificationRaised)
    assert (event.kind, event.user_id) == ("test", people.rep.id)
    assert str(event.notification_id) == answer.json()["notification_id"]


@pytest.mark.requirement("A2")
async def test_whether_attachments_are_logged_is_one_of_the_settings(
    crm: Collaborators, people: People
) -> None:
    """Changed by a super admin alone, and audited like its neighbours."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        without = ON | {"log_attachments": False}
        assert (await http.put("/v1/settings/email", json=without)).json() == without
        del without["log_attachments"]
        assert (await http.put("/v1/settings/email", json=without)).status_code == 422
    (entry,) = await crm.stores.audit.newest(people.account_id, 10)
    assert (entry.before, entry.after) == ({"log_attachments": True}, {"log_attachments": False})


@pytest.mark.requirement("L6")
async def test_whether_the_account_uses_marketing_contacts_is_one_of_the_settings(
    crm: Collaborators, people: People
) -> None:
    """It does until somebody says otherwise; who does not know of it leaves it as it is; it is audited."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        assert (await http.get("/v1/settings/email")).json()["marketing_contacts"] is True
        without = ON | {"marketing_contacts": False}
        assert (await http.put("/v1/settings/email", json=without)).json() == without
        older = {name: ON[name] for name in ("tracking", "logging", "log_attachments", "data_privacy")}
        assert (await http.put("/v1/settings/email", json=older)).json() == without
    (entry,) = await crm.stores.audit.newest(people.account_id, 10)
    assert (entry.before, entry.after) == ({"marketing_contacts": True}, {"marketing_contacts": False})


@pytest.mark.requirement("A3", "A5")
async def test_the_account_says_how_the_boxes_start(crm: Collaborators, people: People) -> None:
    """Only where it wants to; for Track only while tracking is on at all. Open windows are told at once."""

    async def starts() -> tuple[bool | None, bool | None]:
        context = await crm.compose.of(people.account_id, ["liam@northwind.example"])
        return context.log.start, context.track.start

    assert await starts() == (None, None)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        both = ON | {"log_default": True, "log_ticked": False, "track_default": True}
        assert (await http.put("/v1/settings/email", json=both)).json() == both
        assert await starts() == (False, True)
        off = both | {"tracking": False}
        assert (await http.put("/v1/settings/email", json=off)).json() == off
        assert await starts() == (False, None)
    told = [event for event in await written(crm, people.account_id) if isinstance(event, SettingsChanged)]
    assert sorted(event.user_id for event in told) == sorted([people.rep.id, people.admin.id] * 2)


@pytest.mark.requirement("A1", "P1")
async def test_who_saves_what_another_has_changed_meanwhile_is_told(
    crm: Collaborators, people: People
) -> None:
    """412, and nothing is reverted; who knows only older settings leaves the others as they are."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        seen = (await http.get("/v1/settings/email")).headers["etag"]
        private = ON | {"data_privacy": True, "log_default": True}
        assert (
            await http.put("/v1/settings/email", json=private, headers={"If-Match": seen})
        ).json() == private
        stale = await http.put("/v1/settings/email", json=ON, headers={"If-Match": seen})
        assert (stale.status_code, stale.json()["type"].rpartition(":")[2]) == (412, "precondition-failed")
        assert (await http.get("/v1/settings/email")).json() == private
        older = {name: private[name] for name in ("tracking", "logging", "log_attachments", "data_privacy")}
        assert (await http.put("/v1/settings/email", json=older)).json() == private


@pytest.mark.requirement("A1", "A6")
async def test_a_role_that_is_taken_away_counts_at_once(crm: Collaborators, people: People) -> None:
    """An access token says what the role was; the user's role as it is now decides."""
    await crm.users.set_role(people.who(people.admin), people.rep.id, Role.SUPER_ADMIN)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        await crm.users.set_role(people.who(people.admin), people.admin.id, Role.REP)
        again = f"/v1/users/{people.admin.id}/role"
        assert (await http.put(again, json={"role": "super_admin"})).status_code == 403
        assert (await http.post(f"/v1/users/{people.rep.id}/password-link")).status_code == 403
        for path in ("/v1/users", "/v1/settings/email", "/v1/settings/never-log", "/v1/settings/audit"):
            assert (await http.get(path)).status_code == 403
        assert (await http.put("/v1/settings/email", json=OFF)).status_code == 403


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("logged", [True, False])
async def test_a_body_is_kept_only_if_the_mail_is_logged(
    crm: Collaborators, people: People, early: bool, logged: bool
) -> None:
    """Whether it came before the decision or after it."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    on = [RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id)] if logged else []
    if early:
        assert await upload.put() == 204
        assert await upload.stored() == ("<p>Hi</p>", True)
    await upload.decide(*on)
    if not early:
        assert await upload.put() == 204
    assert await upload.stored() == (("<p>Hi</p>", False) if logged else None)


async def test_a_body_needs_its_own_receipt(crm: Collaborators, people: People, clock: Clock) -> None:
    """Not another message's, user's or account's, not forged, not after 30 days, not over 8 MiB."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    good = upload.receipt()
    assert await upload.put(good[:-2] + "AA") == 403
    assert await upload.put(upload.receipt(message_id=new_id())) == 403
    assert await upload.put(upload.receipt(account_id=people.stranger.account_id)) == 403
    assert await upload.put(good, user=people.admin) == 403
    assert await upload.put(good, user=people.stranger) == 403
    assert await upload.put(good, html="x" * (8 * 1024 * 1024)) == 413
    assert await upload.put(good, html="x" * (8 * 1024 * 1024 - 2000)) == 204
    assert await upload.put(upload.receipt(expires_at=crm.clock())) == 410


async def test_a_body_without_a_message_is_not_found(crm: Collaborators, people: People) -> None:
    """A receipt of a mail that this database never saw."""
    assert await Upload(crm, people).put() == 404


async def test_the_body_of_a_cancelled_mail_goes(crm: Collaborators, people: People) -> None:
    """Uploaded before it was cancelled or after."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    assert await upload.put() == 204
    await upload.cancel()
    assert await upload.stored() is None
    assert await upload.put() == 204
    assert await upload.stored() is None


async def test_a_decision_in_the_middle_of_an_upload_is_seen(crm: Collaborators, people: People) -> None:
    """The two write one document, so that one of them is done again: no body waits for ever."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    await upload.decided_meanwhile(people)
    assert await upload.put() == 204
    assert await upload.stored() == ("<p>Hi</p>", False)


@pytest.mark.requirement("R2", "T3")
async def test_a_body_of_five_megabytes_is_logged_and_no_list_reads_it(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feed and timeline stay as quick as with a short one: bodies are documents of their own."""
    upload, large = Upload(crm, people), "<p>見積書 & more</p>" * 240_000
    await crm.directory.prepare(upload.question)
    assert len(large.encode()) > 5_000_000
    assert await upload.put(html=large) == 204
    await upload.send()
    await upload.decide(RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id))
    assert await upload.stored() == (large, False)
    monkeypatch.setattr(crm.stores.bodies, "_bodies", None)  # whoever asks for a body now fails
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        feed = await http.get("/v1/feed")
        timeline = await http.get(f"/v1/contacts/{people.hanako.id}/timeline")
        for found in (feed, timeline):
            assert [row["message_id"] for row in found.json()["items"]] == [str(upload.question.message_id)]
            assert len(found.content) < 4_000
