"""Retention (A6): content that is too old goes, in pieces, and nothing else; on a real database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.crm.collaborators import Collaborators
from services.crm.store.database import Database
from shared.directory.contract import RecordRef
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from tests.integration.crm.people import Clock, People, as_user, client
from tests.integration.crm.uploads import Upload

pytestmark = pytest.mark.requirement("A6")
PATH = "/v1/settings/retention"
TURN = timedelta(seconds=3)
OLD = datetime.now(UTC) - timedelta(days=400)
PDF = b"%PDF-1.7 an offer"


async def logged(crm: Collaborators, people: People, database: Database, sent_at: datetime | None) -> Upload:
    """A mail with body and attachment on Hanako's timeline, sent then (None: now)."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    assert await upload.put() == 204
    assert (await upload.attach(PDF)).status_code == 200
    await upload.send()
    await upload.decide(RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id))
    if sent_at is not None:
        at = {"_id": upload.question.message_id}
        await database.whole["messages"].update_one(at, {"$set": {"sent_at": sent_at}})
    return upload


async def hits(crm: Collaborators, people: People, *at: datetime) -> None:
    made = [
        HitRecorded(
            event_id=new_id(),
            account_id=people.account_id,
            occurred_at=one,
            message_id=new_id(),
            endpoint=Endpoint.PIXEL,
            method="GET",
        )
        for one in at
    ]
    await crm.stores.hits.archive(people.account_id, [(hit, timedelta(days=4000)) for hit in made])


async def hits_left(database: Database, people: People) -> int:
    return int(await database.whole["hits"].count_documents({"account_id": people.account_id}))


async def done(crm: Collaborators, clock: Clock) -> int:
    """All that is to do now, in turns; in how many pieces."""
    pieces = 0
    for _ in range(2):  # none is due in the next turn either
        while await crm.retention.step():
            pieces += 1
            clock.ahead += TURN
        clock.ahead += TURN
    return pieces


async def test_what_is_too_old_goes_and_the_rest_stays(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    """Counted before; the mail, its records and the name of its attachment stay."""
    old = await logged(crm, people, database, OLD)
    young = await logged(crm, people, database, None)
    await hits(crm, people, OLD, OLD, datetime.now(UTC))
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        assert (await http.get(PATH)).json() == {"months": None}
        counted = (await http.get(f"{PATH}/count", params={"months": 12})).json()
        assert {name: counted[name] for name in ("bodies", "mails_with_attachments", "hits")} == {
            "bodies": 1,
            "mails_with_attachments": 1,
            "hits": 2,
        }
        await done(crm, clock)
        assert await old.stored() is not None, "nothing goes before it is asked for"
        assert (await http.put(PATH, json={"months": 12})).json() == {"months": 12}
        assert await done(crm, clock) >= 2
        assert await old.stored() is None
        assert (await old.download()).status_code == 404
        assert (await http.get(f"/v1/messages/{old.question.message_id}/body")).status_code == 404
        mail = (await http.get(f"/v1/messages/{old.question.message_id}")).json()
        assert (mail["logged"], mail["subject"]) == (True, "Offer")
        assert await young.stored() == ("<p>Hi</p>", False)
        assert (await young.download()).content == PDF
        assert sorted(await old.named(), key=str) == sorted(
            [("offer.pdf", 17, False, "too_old"), ("offer.pdf", 17, True, None)], key=str
        )
        assert await hits_left(database, people) == 1
        again = (await http.get(f"{PATH}/count", params={"months": 12})).json()
        assert (again["bodies"], again["mails_with_attachments"], again["hits"]) == (0, 0, 0)
    await crm.attachments.sweep()
    ledger = database.whole["attachment_files"]
    assert await ledger.count_documents({"message_id": old.question.message_id}) == 0
    assert await ledger.count_documents({"message_id": young.question.message_id}) == 1
    assert await done(crm, clock) == 0, "looked at again tomorrow"
    await logged(crm, people, database, OLD)
    clock.ahead = timedelta(hours=25)
    assert await done(crm, clock) >= 2


async def test_a_stop_in_the_middle_loses_nothing(
    crm: Collaborators, people: People, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on finds what is left."""
    monkeypatch.setattr("services.crm.application.retention._MAILS_AT_ONCE", 1)
    monkeypatch.setattr("services.crm.application.retention._HITS_AT_ONCE", 2)
    uploads = [await logged(crm, people, database, OLD) for _ in range(3)]
    await hits(crm, people, *[OLD] * 5)
    await crm.retention.change(people.who(people.admin), 12)
    assert await crm.retention.step()
    left = [upload for upload in uploads if await upload.stored() is not None]
    assert len(left) == 2
    await done(crm, clock)
    assert [await upload.stored() for upload in uploads] == [None] * 3
    assert await hits_left(database, people) == 0


async def test_accounts_have_their_turns(
    crm: Collaborators, people: People, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has much to delete does not keep another waiting until it is through."""
    monkeypatch.setattr("services.crm.application.retention._HITS_AT_ONCE", 1)
    other = replace(people, account_id=people.stranger.account_id)
    await hits(crm, people, *[OLD] * 5)
    await hits(crm, other, OLD)
    await crm.retention.change(people.who(people.admin), 12)
    await crm.retention.change(people.who(people.stranger), 12)
    for _ in range(2):
        assert await crm.retention.step()
    assert (await hits_left(database, people), await hits_left(database, other)) == (4, 0)
    await done(crm, clock)
    assert await hits_left(database, people) == 0


async def test_for_ever_again_deletes_nothing_more(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    """Each change stands in the audit log; the same again is none. Others' turn comes all the same."""
    other = replace(people, account_id=people.stranger.account_id)
    await hits(crm, other, OLD)
    upload, who = await logged(crm, people, database, OLD), people.who(people.admin)
    for months in (12, 12, 24, None):
        await crm.retention.change(who, months)
    await crm.retention.change(people.who(people.stranger), 12)
    await done(crm, clock)
    assert await hits_left(database, other) == 0
    assert await upload.stored() is not None
    entries = await crm.stores.audit.newest(people.account_id, 9)
    told = [(one.before, one.after) for one in entries if one.action == "retention.changed"]
    assert told == [({"months": 24}, {}), ({"months": 12}, {"months": 24}), ({}, {"months": 12})]


async def test_another_account_s_setting_is_its_own(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    """And only super admins see and change it."""
    upload = await logged(crm, people, database, OLD)
    await crm.retention.change(people.who(people.stranger), 1)
    await done(crm, clock)
    assert await upload.stored() is not None
    async with client(crm) as http:
        for method, path, body in (
            ("GET", PATH, None),
            ("PUT", PATH, {"months": 1}),
            ("GET", f"{PATH}/count?months=1", None),
        ):
            rep = await http.request(method, path, json=body, headers=as_user(crm, people, people.rep))
            assert rep.status_code == 403, path
        admin = as_user(crm, people, people.admin)
        for months in (0, 241, "x"):
            assert (await http.put(PATH, json={"months": months}, headers=admin)).status_code == 422
        assert (await http.put(PATH, json={}, headers=admin)).status_code == 422
