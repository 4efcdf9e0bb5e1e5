"""The account's never-log list: who changes it, and what it does to mail."""

import pytest

from services.crm.collaborators import Collaborators, collaborate
from services.crm.handlers import MessageHandler
from services.crm.store.database import Database
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, RecordType
from shared.events.notifications import SettingsChanged
from shared.log_rules.engine import decide
from tests.integration.crm.people import People, as_user, asked, client, written
from tests.integration.crm.test_pages_of_others import browser
from tests.unit.crm.made import decided_by, judged, sent

PATH = "/v1/settings/never-log"
HANAKO, LIAM = "hanako@sakura.example", "liam@northwind.example"


@pytest.mark.requirement("A6", "L8")
async def test_a_super_admin_changes_the_list(crm: Collaborators, people: People) -> None:
    """All entries or none; what is listed already is not added again; everybody's screens are told."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        assert (await http.get(PATH)).json() == {"entries": []}
        wrong = await http.post(PATH, json={"entries": ["fine.example", "no domain"]})
        assert (wrong.status_code, "“no domain”" in wrong.json()["detail"]) == (422, True)
        asked_for = {"entries": ["@Sakura.example", "*.日本.example", "sakura.example"]}
        added = (await http.post(PATH, json=asked_for)).json()["entries"]
        assert [one["pattern"] for one in added] == ["sakura.example", "*.xn--wgv71a.example"]
        assert (await http.post(PATH, json=asked_for)).json() == {"entries": []}
        known = (await http.get(PATH)).json()["entries"]
        assert [one["pattern"] for one in known] == ["*.xn--wgv71a.example", "sakura.example"]
        assert {one["added_by"] for one in known} == {str(people.admin.id)}
        gone = f"{PATH}/{known[1]['id']}"
        assert [(await http.delete(gone)).status_code for _ in range(2)] == [204, 404]
        assert [one["pattern"] for one in (await http.get(PATH)).json()["entries"]] == [
            "*.xn--wgv71a.example"
        ]
    audit = await crm.stores.audit.newest(people.account_id, 10)
    assert [(entry.action, entry.before, entry.after) for entry in audit] == [
        ("never_log.removed", {"entries": "sakura.example"}, {}),
        ("never_log.added", {}, {"entries": "sakura.example, *.xn--wgv71a.example"}),
    ]
    told = [event for event in await written(crm, people.account_id) if isinstance(event, SettingsChanged)]
    assert sorted(event.user_id for event in told) == sorted([people.rep.id, people.admin.id] * 2)


@pytest.mark.requirement("A6", "L8")
async def test_many_entries_are_removed_in_one_step(crm: Collaborators, people: People) -> None:
    """From the page: one change of the policy and one entry of the audit log; what is not on this account's
    list is passed over, and the rest counts on."""
    who, other = people.who(people.admin), people.who(people.stranger)
    added = await crm.never_log.add(
        who, ["sakura.example", *(f"d{number}.example" for number in range(1500))]
    )
    theirs = await crm.never_log.add(other, ["sakura.example"])
    gone = [one for one in added if one.pattern != "d7.example"]
    before = await crm.accounts.get(people.account_id)
    ids = [str(one.id) for one in (*gone, *theirs)] + [str(new_id()), str(gone[0].id)]
    async with await browser(crm, people.admin) as page:
        for _ in range(2):
            answer = await page.post("/settings/never-log/remove", data={"removed": ids})
            assert answer.status_code == 303
    assert [one.pattern for one in await crm.never_log.all(who)] == ["d7.example"]
    assert await crm.never_log.all(other) == theirs
    after = await crm.accounts.get(people.account_id)
    assert before is not None
    assert after is not None
    assert after.policy_version == before.policy_version + 1
    audit = await crm.stores.audit.newest(people.account_id, 10)
    assert [entry.action for entry in audit] == ["never_log.removed", "never_log.added"]
    assert set(str(audit[0].before["entries"]).split(", ")) == {one.pattern for one in gone}
    await crm.directory.prepare(question := asked(people, HANAKO, "x@d7.example"))
    inputs = await crm.directory.log_inputs(people.account_id, question.message_id)
    assert [to.never_logged_by is not None for to in inputs.recipients] == [False, True]


@pytest.mark.requirement("A6")
async def test_others_neither_see_nor_change_the_list(crm: Collaborators, people: People) -> None:
    """A rep gets 403; another account's admin finds nothing of ours."""
    (entry,) = await crm.never_log.add(people.who(people.admin), ["sakura.example"])
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.get(PATH)).status_code == 403
        assert (await http.post(PATH, json={"entries": ["a.example"]})).status_code == 403
        assert (await http.delete(f"{PATH}/{entry.id}")).status_code == 403
        http.headers.update(as_user(crm, people, people.stranger))
        assert (await http.get(PATH)).json() == {"entries": []}
        assert (await http.delete(f"{PATH}/{entry.id}")).status_code == 404
    assert await crm.never_log.all(people.who(people.admin)) == [entry]


@pytest.mark.requirement("L8")
async def test_prepare_compose_and_logger_are_told_of_a_listed_recipient(
    crm: Collaborators, database: Database, people: People
) -> None:
    """From the change on, in every process; mail to listed people alone is not logged, and still tracked."""
    other = collaborate(crm.configuration, database)  # another replica
    for replica in (crm, other):
        assert (await replica.compose.of(people.account_id, [HANAKO])).log.enabled
    (entry,) = await crm.never_log.add(people.who(people.admin), ["sakura.example"])
    for replica in (crm, other):
        context = await replica.compose.of(people.account_id, [HANAKO, LIAM])
        assert [one.never_logged for one in context.recipients] == [True, False]
        assert context.log.enabled
        alone = await replica.compose.of(people.account_id, [HANAKO])
        assert (alone.log.enabled, alone.log.reason) == (False, "recipients_never_logged")
        policy = await replica.directory.prepare(asked(people, HANAKO))
        assert (policy.logged, policy.unlogged_reason, policy.tracked) == (
            False,
            "recipients_never_logged",
            True,
        )
    both = asked(people, HANAKO, LIAM)
    assert (await crm.directory.prepare(both)).logged
    inputs = await crm.directory.log_inputs(people.account_id, both.message_id)
    assert [to.never_logged_by for to in inputs.recipients] == [entry.id, None]


@pytest.mark.requirement("L8", "R2")
async def test_nothing_of_a_listed_recipient_stands_on_any_timeline(
    crm: Collaborators, people: People
) -> None:
    """Neither the mail nor its opens; the other recipient's do, and the rep's own feed shows the opens."""
    await crm.never_log.add(people.who(people.admin), ["sakura.example"])
    contacts = (people.hanako.id, people.liam.id)
    ticked = tuple(RecordRef(record_type=RecordType.CONTACT, record_id=id_) for id_ in contacts)
    question = asked(people, HANAKO, LIAM, records=ticked)
    await crm.directory.prepare(question)
    decision = decide(await crm.directory.log_inputs(people.account_id, question.message_id))
    of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    events = [
        sent(**of),
        judged("a", 60, **of),
        judged("b", 61, candidates=(1,), **of),
        decided_by(decision, **of),
    ]
    await MessageHandler(crm.stores.messages)([(event, ()) for event in events])
    assert decision.outcome is LogOutcome.LOGGED
    hanako, liam = [(await crm.timelines.page(people.account_id, ref)).items for ref in ticked]
    assert hanako == ()
    assert sorted(row.type.value for row in liam) == ["email", "open"]
    detail = await crm.feed.detail(people.account_id, people.rep.id, question.message_id)
    assert detail.opens == 2
