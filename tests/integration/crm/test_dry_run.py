"""Trying other settings on past mail, on a real database."""

import pytest

from services.crm.collaborators import Collaborators
from services.crm.handlers import MessageHandler
from shared.directory.contract import PreparedMessage, RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.log_rules.engine import decide
from tests.integration.crm.people import People, as_user, asked, client
from tests.unit.crm.made import decided, decided_by, sent

PATH = "/v1/settings/dry-run"
HANAKO, LIAM = "hanako@sakura.example", "liam@northwind.example"


async def past(crm: Collaborators, people: People, question: PreparedMessage) -> None:
    """Prepared, sent, decided."""
    await crm.directory.prepare(question)
    decision = decide(await crm.directory.log_inputs(people.account_id, question.message_id))
    of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    events = [sent(**of), decided_by(decision, **of)]
    await MessageHandler(crm.stores.messages)([(event, ()) for event in events])


def on(*ids: object) -> tuple[RecordRef, ...]:
    return tuple(RecordRef(record_type=RecordType.CONTACT, record_id=id_) for id_ in ids)  # type: ignore[arg-type]


@pytest.mark.requirement("L13")
async def test_past_mail_is_decided_again_and_nothing_is_written(crm: Collaborators, people: People) -> None:
    """Entries to add, entries to take off, logging off: each names the mails that would differ, and why."""
    ticked = on(people.hanako.id, people.liam.id)
    both = asked(people, HANAKO, LIAM, records=ticked)
    await past(crm, people, both)
    await past(crm, people, asked(people, LIAM, records=on(people.liam.id)))
    (entry,) = await crm.never_log.add(people.who(people.admin), ["northwind.example"])
    alone = asked(people, LIAM, records=on(people.liam.id), subject="Listed")
    await past(crm, people, alone)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        as_it_is = (await http.post(PATH, json={})).json()
        assert (as_it_is["examined"], as_it_is["changed"]) == (3, 2)  # Liam was not listed then
        added = (
            await http.post(PATH, json={"added": ["@sakura.example"], "removed": [str(entry.id)]})
        ).json()
        assert (added["changed"], added["logged_now"], added["logged_no_more"]) == (2, 1, 0)
        by_mail = {one["message_id"]: one for one in added["mails"]}
        (contact, recipient) = by_mail[str(both.message_id)]["changes"]
        assert (contact["name"], contact["after"], recipient["name"]) == (
            people.hanako.name,
            "not_logged",
            HANAKO,
        )
        assert by_mail[str(alone.message_id)]["after"] == "logged"
        off = (await http.post(PATH, json={"logging": False})).json()
        assert (off["changed"], off["logged_no_more"]) == (2, 2)
        assert (await http.post(PATH, json={"added": ["nonsense"]})).status_code == 422
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.post(PATH, json={})).status_code == 403
        http.headers.update(as_user(crm, people, people.stranger))
        assert (await http.post(PATH, json={})).json()["examined"] == 0
    assert [one.id for one in await crm.never_log.all(people.who(people.admin))] == [entry.id]
    assert len(await crm.stores.audit.newest(people.account_id, 10)) == 1
    record = on(people.hanako.id)[0]
    assert len((await crm.timelines.page(people.account_id, record)).items) == 1


@pytest.mark.requirement("L13")
async def test_a_decision_without_inputs_is_counted_and_left_out(crm: Collaborators, people: People) -> None:
    """As those are whose mail was decided on before inputs were kept."""
    question = asked(people)
    await crm.directory.prepare(question)
    of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    await MessageHandler(crm.stores.messages)([(decided(**of), ())])
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        found = (await http.post(PATH, json={})).json()
    assert (found["examined"], found["skipped"], found["mails"]) == (0, 1, [])


@pytest.mark.requirement("A1", "A6")
async def test_the_audit_log_is_read_by_pages_and_by_super_admins_alone(
    crm: Collaborators, people: People
) -> None:
    for number in range(3):
        await crm.never_log.add(people.who(people.admin), [f"{number}-{new_id().hex[-6:]}.example"])
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        first = (await http.get("/v1/settings/audit", params={"limit": 2})).json()
        rest = (await http.get("/v1/settings/audit", params={"limit": 2, "after": first["next"]})).json()
        entries = [*first["items"], *rest["items"]]
        assert [entry["after"]["entries"][0] for entry in entries] == ["2", "1", "0"]
        assert rest["next"] is None
        assert (await http.get("/v1/settings/audit", params={"after": "nonsense"})).status_code == 422
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.get("/v1/settings/audit")).status_code == 403
        http.headers.update(as_user(crm, people, people.stranger))
        assert (await http.get("/v1/settings/audit")).json()["items"] == []
