"""Making, editing, deleting records on pages (R1, P4)."""

import html
import re
from uuid import UUID

import httpx
import pytest

from services.crm.model.records import Association, Company, Contact, LegalBasisChange, LegalBasisKind
from services.crm.problems import ADDRESS_TAKEN, NO_SUCH_RECORD
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.problems import Problem
from tests.unit.crm_web.fakes import CSRF, NOW, Browser, FakeCrm, contact

KINDS = ("contacts", "companies", "deals", "tickets")
BY_SCRIPT = {"HX-Request": "true", "X-CSRF-Token": CSRF}
pytestmark = pytest.mark.requirement("R1")


def filled(text: str) -> list[tuple[str, str]]:
    """What a browser would send of a form that nobody touched."""
    found: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", text):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        box = attributes.get("type") in {"checkbox", "radio"}
        if "name" in attributes and (not box or " checked" in tag):
            found.append((attributes["name"], html.unescape(attributes.get("value", ""))))
    for name, content in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', text):
        found.append((name, html.unescape(content)))
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found.append((name, chosen[1] if chosen else ""))
    return found


async def sent(
    client: httpx.AsyncClient, path: str, form: list[tuple[str, str]], **changes: str
) -> httpx.Response:
    """The form with some values typed over."""
    data: dict[str, list[str]] = {}
    for name, value in form:
        data.setdefault(name, []).append(value)
    data |= {name: [value] for name, value in changes.items()}
    return await client.post(path, data=data, headers=BY_SCRIPT)


@pytest.mark.parametrize("noun", KINDS)
async def test_each_kind_has_list_search_and_form(browser: Browser, crm: FakeCrm, noun: str) -> None:
    async with browser() as client:
        empty = (await client.get(f"/{noun}")).text
        assert f'href="/{noun}/new"' in empty
        assert "yet</h2>" in empty
        assert f'href="/{noun}" aria-current="page"' in empty
        form = filled((await client.get(f"/{noun}/new")).text)
        made = await sent(client, f"/{noun}/new", form, name="Étoile <b>")
        assert made.status_code == 204
        path = made.headers["hx-location"]
        assert re.fullmatch(rf"/{noun}/[0-9a-f-]{{36}}", path)
        assert "Étoile &lt;b&gt;" in (await client.get(path)).text
        assert "Étoile &lt;b&gt;" in (await client.get(f"/{noun}/rows?q=Étoile")).text
        assert "matches “zzz”" in (await client.get(f"/{noun}?q=zzz")).text
        edited = filled((await client.get(f"{path}/edit")).text)
        saved = await sent(client, f"{path}/edit", edited, name="New name")
        assert saved.status_code == 200
        assert "New name" in saved.text
        assert saved.headers["hx-push-url"] == path
        [edit] = crm.records.of(RecordType(noun_of(noun))).edits
        assert edit == {"name": "New name", "associations": None}


def noun_of(plural: str) -> str:
    return "company" if plural == "companies" else plural.removesuffix("s")


async def test_without_script_a_form_leads_to_the_record(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    async with browser() as client:
        form = dict(filled((await client.get(f"/contacts/{person.id}/edit")).text))
        assert form["csrf_token"] == CSRF
        answer = await client.post(f"/contacts/{person.id}/edit", data={**form, "name": "X"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/contacts/{person.id}")
        made = await client.post("/contacts/new", data={"csrf_token": CSRF, "name": "Y"})
        assert made.status_code == 303
        wrong = await client.post("/contacts/new", data={"csrf_token": CSRF, "name": ""})
        assert wrong.status_code == 422
        assert "<!doctype html>" in wrong.text
        assert "Give it a name" in wrong.text


@pytest.mark.parametrize("path", ["new", "{id}/edit", "{id}/delete", "{id}/restore"])
async def test_nothing_changes_without_the_token(browser: Browser, crm: FakeCrm, path: str) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    async with browser() as client:
        answer = await client.post(f"/contacts/{path.format(id=person.id)}", data={"name": "X"})
    assert answer.status_code == 403
    assert crm.records.contacts.records == [person]


async def test_two_people_in_one_form_see_both_values_and_lose_nothing(
    browser: Browser, crm: FakeCrm
) -> None:
    person = contact(phone="1", job_title="Buyer")
    book = crm.records.contacts
    book.records = [person]
    path = f"/contacts/{person.id}/edit"
    async with browser() as client:
        form = filled((await client.get(path)).text)
        book.put(person.id, name="Theirs", phone="2")
        refused = await sent(client, path, form, name="Mine", job_title="Head")
        assert refused.status_code == 412
        assert "Somebody else changed this record meanwhile" in refused.text
        assert "Saved meanwhile by somebody else:" in refused.text
        assert "Theirs" in refused.text
        again = filled(refused.text)
        values = dict(again)
        assert (values["name"], values["job_title"], values["phone"]) == ("Mine", "Head", "2")
        assert values["version"] == "2"
        saved = await sent(client, path, again)
        assert saved.status_code == 200
    now = book.records[0]
    assert isinstance(now, Contact)
    assert (now.name, now.job_title, now.phone) == ("Mine", "Head", "2")


async def test_an_edit_that_loses_at_the_last_moment_is_told_too(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    async with browser() as client:
        form = filled((await client.get(f"/contacts/{person.id}/edit")).text)
        crm.records.contacts.before_edit = lambda: [crm.records.contacts.put(person.id, name="Theirs")]  # type: ignore[assignment,func-returns-value]
        refused = await sent(client, f"/contacts/{person.id}/edit", form, name="Mine")
    assert refused.status_code == 412
    assert "Theirs" in refused.text


@pytest.mark.parametrize(
    ("problem", "text", "status"),
    [(ADDRESS_TAKEN, "Another contact has this address.", 409), (NO_SUCH_RECORD, "does not exist", 422)],
)
async def test_a_refused_form_comes_back_with_what_was_typed(
    browser: Browser, crm: FakeCrm, problem: object, text: str, status: int
) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    crm.records.contacts.refusal = Problem(problem, "No.")  # type: ignore[arg-type]
    async with browser() as client:
        for path in ("/contacts/new", f"/contacts/{person.id}/edit"):
            form = filled((await client.get(path)).text)
            refused = await sent(client, path, form, name="Typed", addresses="taken@x.example")
            assert refused.status_code == status
            assert text in refused.text
            assert dict(filled(refused.text))["name"] == "Typed"
            assert "taken@x.example" in refused.text


async def test_associations_are_found_added_and_saved(browser: Browser, crm: FakeCrm) -> None:
    acme = Company(id=new_id(), name="Acme & Sons", created_at=NOW, updated_at=NOW)
    crm.records.companies.records = [acme]
    async with browser() as client:
        query = {"associate_type": "company", "associate_q": "Acme"}
        found = (await client.get("/associations/search", params=query)).text
        assert "Acme &amp; Sons" in found
        assert f"/associations/chosen?type=company&amp;id={acme.id}" in found
        query["associate_q"] = "zzz"
        assert "Nothing matches." in (await client.get("/associations/search", params=query)).text
        line = (await client.get(f"/associations/chosen?type=company&id={acme.id}")).text
        form = filled((await client.get("/contacts/new")).text) + filled(line)
        made = await sent(client, "/contacts/new", form, name="N", primary=str(acme.id))
        assert made.status_code == 204
        unknown = await client.get(f"/associations/chosen?type=deal&id={acme.id}", headers=BY_SCRIPT)
        assert unknown.status_code == 404
        assert unknown.headers["hx-retarget"] == "#trouble"
    [one] = crm.records.contacts.belonging
    assert (one.record_id, one.primary) == (acme.id, True)


async def test_a_deletion_is_offered_to_be_taken_back(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    async with browser() as client:
        gone = await client.post(f"/contacts/{person.id}/delete", headers=BY_SCRIPT)
        assert gone.headers["hx-location"] == f"/contacts?deleted={person.id}"
        page = (await client.get(gone.headers["hx-location"])).text
        assert f'action="/contacts/{person.id}/restore"' in page
        assert "The contact is deleted." in page
        assert (await client.get(f"/contacts/{person.id}")).status_code == 404
        back = await client.post(f"/contacts/{person.id}/restore", data={"csrf_token": CSRF})
        assert (back.status_code, back.headers["location"]) == (303, f"/contacts/{person.id}")
        late = await client.post(f"/contacts/{new_id()}/restore", data={"csrf_token": CSRF})
        assert late.status_code == 404
        assert "brought back any more" in late.text
        crm.recycle_bin.refusal = Problem(ADDRESS_TAKEN, "No.")
        taken = await client.post(f"/contacts/{person.id}/restore", data={"csrf_token": CSRF})
        assert taken.status_code == 409
        assert "another contact's now" in taken.text


@pytest.mark.requirement("P4")
async def test_the_history_of_a_legal_basis_is_read_on_the_contact(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    kind = LegalBasisKind.FREELY_GIVEN_CONSENT
    who = crm.sign_ins.who.id
    crm.legal_bases.changes = [
        LegalBasisChange(id=new_id(), kind=kind, since=NOW, source="<i>form", user_id=who),
        LegalBasisChange(id=new_id(), kind=LegalBasisKind.NONE, since=NOW),
    ]
    async with browser() as client:
        page = (await client.get(f"/contacts/{person.id}")).text
        assert f'hx-get="/contacts/{person.id}/legal-basis"' in page
        history = (await client.get(f"/contacts/{person.id}/legal-basis")).text
    for text in ("Freely given consent", "&lt;i&gt;form", "Mika Ito", "Kaifu"):
        assert text in history


async def test_associations_that_nobody_touched_stay(browser: Browser, crm: FakeCrm) -> None:
    """A form knows its associations; sending it as it was changes nothing at all."""
    person = contact()
    crm.records.contacts.records = [person]
    crm.records.contacts.belonging = (
        Association(record_type=RecordType.COMPANY, record_id=UUID(int=1), name="Acme: B", primary=True),
        Association(record_type=RecordType.DEAL, record_id=UUID(int=2), name="D", primary=True),
    )
    async with browser() as client:
        form = filled((await client.get(f"/contacts/{person.id}/edit")).text)
        saved = await sent(client, f"/contacts/{person.id}/edit", form)
    assert saved.status_code == 200
    assert crm.records.contacts.edits == []
