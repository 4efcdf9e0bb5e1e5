"""Contacts in and out as CSV, on the real database (R1, P4)."""

import pytest

from services.crm.collaborators import Collaborators
from services.crm.model.imports import RowOutcome
from services.crm.model.records import Contact
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id
from shared.http.problems import Problem
from tests.integration.crm.people import People

pytestmark = pytest.mark.requirement("R1")
CSV = (
    "氏名,メールアドレス,役職,法的根拠\r\n"
    "新 太郎,new@x.example,部長,\r\n"
    "山田 花子,HANAKO@sakura.example,課長,\r\n"
    "Liam Novak,liam@northwind.example,,契約の履行\r\n"
    "=cmd(),formula@x.example,,\r\n"
    "Wrong,no address,,\r\n"
    "Twice,new@x.example,,\r\n"
)
COUNTS = {RowOutcome.NEW: 2, RowOutcome.UPDATE: 2, RowOutcome.WRONG: 2}


async def applied(crm: Collaborators, who: SignedIn, content: bytes) -> dict[RowOutcome, int]:
    """Upload and apply all parts; what became of the rows."""
    import_id = await crm.contact_files.upload(who, content)
    counts: dict[RowOutcome, int] = {}
    start: int | None = 0
    while start is not None:
        done = await crm.contact_files.apply(who, import_id, start)
        for outcome, count in done.counts.items():
            counts[outcome] = counts.get(outcome, 0) + count
        start = done.next
    return counts


async def contacts(crm: Collaborators, people: People) -> dict[str, Contact]:
    """All, by their main address."""
    page = await crm.records.contacts.page(people.account_id, limit=200)
    return {one.addresses[0].casefold(): one for one in page.items}


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_a_dry_run_tells_what_the_import_does_and_twice_does_no_more(
    crm: Collaborators, people: People, encoding: str
) -> None:
    """The dry run writes nothing."""
    who, content = people.who(people.rep), CSV.encode(encoding)
    before = await contacts(crm, people)
    plan = await crm.contact_files.plan(who, await crm.contact_files.upload(who, content))
    assert plan.counts == COUNTS
    assert await contacts(crm, people) == before
    assert await applied(crm, who, content) == COUNTS
    after = await contacts(crm, people)
    assert after["new@x.example"].job_title == "部長"
    assert after["new@x.example"].legal_basis.kind == "none"
    hanako = after["hanako@sakura.example"]
    assert (hanako.job_title, hanako.addresses) == ("課長", ("Hanako@sakura.example",))
    assert hanako.legal_basis.kind == "freely_given_consent"
    assert after["liam@northwind.example"].legal_basis.kind == "performance_of_contract"
    history = await crm.legal_bases.history(people.account_id, people.liam.id)
    assert [change.user_id for change in history.items] == [people.rep.id]
    assert await applied(crm, who, content) == {RowOutcome.SAME: 4, RowOutcome.WRONG: 2}
    assert await contacts(crm, people) == after


async def test_what_is_left_of_a_file_is_what_was_not_taken(crm: Collaborators, people: People) -> None:
    """Everything before it is applied, then the wrong rows alone."""
    who = people.who(people.rep)
    import_id = await crm.contact_files.upload(who, CSV.encode())
    before = await crm.contact_files.plan(who, import_id, left=True)
    assert before.total == sum(COUNTS.values()) - COUNTS.get(RowOutcome.SAME, 0)
    await crm.contact_files.apply(who, import_id)
    after = await crm.contact_files.plan(who, import_id, left=True)
    assert (after.total, {row.outcome for row in after.rows}) == (2, {RowOutcome.WRONG})
    assert (await crm.contact_files.plan(who, import_id, 1, left=True)).rows == after.rows[1:]


@pytest.mark.parametrize("content", ["name,email", "name,email\r\n", "\n\nname,email\n\n , \n"])
async def test_a_file_without_rows_changes_nothing(crm: Collaborators, people: People, content: str) -> None:
    """Its dry run says so, and applying it is done at once."""
    who, before = people.who(people.rep), await contacts(crm, people)
    import_id = await crm.contact_files.upload(who, content.encode())
    plan = await crm.contact_files.plan(who, import_id)
    assert (plan.total, plan.counts, plan.columns, plan.rows) == (0, {}, ("name", "address"), ())
    done = await crm.contact_files.apply(who, import_id)
    assert (done.total, done.next, done.counts) == (0, None, {})
    assert await contacts(crm, people) == before


async def test_empty_lines_are_passed_over(crm: Collaborators, people: People) -> None:
    """Also those that a spreadsheet writes as bare commas."""
    lines = "\r\n,,\r\nname,email,phone\r\n,,\r\n\r\nNew,new@x.example,1\r\n,,\r\n"
    assert await applied(crm, people.who(people.rep), lines.encode()) == {RowOutcome.NEW: 1}
    assert (await contacts(crm, people))["new@x.example"].phone == "1"


async def test_a_long_file_is_applied_part_by_part(crm: Collaborators, people: People) -> None:
    """And what was exported comes in again without changing anything."""
    who = people.who(people.rep)
    lines = "".join(f"Person {number},p{number}@x.example\n" for number in range(120))
    assert await applied(crm, who, f"name,email\n{lines}".encode()) == {RowOutcome.NEW: 120}
    text = "".join([part async for part in crm.contact_files.exported(people.account_id)])
    assert len(text.splitlines()) == 1 + 122
    assert await applied(crm, who, text.encode()) == {RowOutcome.SAME: 122}


async def test_the_export_runs_in_no_spreadsheet(crm: Collaborators, people: People) -> None:
    """Whatever people typed."""
    await applied(crm, people.who(people.rep), CSV.encode())
    text = "".join([part async for part in crm.contact_files.exported(people.account_id)])
    assert "\r\n'=cmd(),formula@x.example" in text


async def test_an_upload_is_its_user_s_alone(crm: Collaborators, people: People) -> None:
    """Not a colleague's, not another account's."""
    import_id = await crm.contact_files.upload(people.who(people.rep), CSV.encode())
    for who in (people.who(people.admin), people.who(people.stranger)):
        for ask in (crm.contact_files.plan, crm.contact_files.apply):
            with pytest.raises(Problem, match="not-found"):
                await ask(who, import_id)
    with pytest.raises(Problem, match="not-found"):
        await crm.contact_files.plan(people.who(people.rep), new_id())


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"x" * (5 * 1024 * 1024 + 1), "too-large"), (b"name\nA", "not-readable")],
)
async def test_a_file_that_can_t_be_taken_is_refused(
    crm: Collaborators, people: People, content: bytes, name: str
) -> None:
    """Before it is kept."""
    with pytest.raises(Problem, match=name):
        await crm.contact_files.upload(people.who(people.rep), content)
