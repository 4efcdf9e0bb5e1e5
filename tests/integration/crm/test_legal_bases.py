"""Legal bases with their history, one by one and many at once (P4)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.crm.collaborators import Collaborators
from services.crm.store.records import Records
from shared.events.ids import new_id
from tests.integration.crm.people import Clock, People, as_user, client
from tests.integration.crm.test_pages_of_others import browser

pytestmark = pytest.mark.requirement("P4")
CONTRACT = {"kind": "performance_of_contract", "source": "order 7"}


def told(history: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Kind, source and who of each change."""
    return [(one["kind"], one["source"], one["user_id"]) for one in history["items"]]


async def test_each_change_stands_in_the_history(crm: Collaborators, people: People, clock: Clock) -> None:
    """Newest first, with who made it; the same again is none, whoever sends it."""
    url, rep = f"/v1/contacts/{people.hanako.id}", str(people.rep.id)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        for basis in (CONTRACT, CONTRACT, {"kind": "none"}):
            clock.ahead += timedelta(seconds=1)
            assert (await http.patch(url, json={"legal_basis": basis})).status_code == 200
        await http.patch(url, json={"name": "Another name"})
        history = (await http.get(f"{url}/legal-basis")).json()
        assert told(history) == [
            ("none", "", rep),
            ("performance_of_contract", "order 7", rep),
            ("freely_given_consent", "test", None),
        ]
        assert history["items"][0]["since"] == (await http.get(url)).json()["legal_basis"]["since"]
        first = (await http.get(f"{url}/legal-basis", params={"limit": 2})).json()
        rest = (await http.get(f"{url}/legal-basis", params={"limit": 2, "after": first["next"]})).json()
        assert told(first) + told(rest) == told(history)
        assert rest["next"] is None


async def test_a_contact_that_begins_with_one_has_it_in_its_history(
    crm: Collaborators, people: People
) -> None:
    """And one without has none yet."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        for basis, changes in ((CONTRACT, 1), ({"kind": "none"}, 0)):
            made = (await http.post("/v1/contacts", json={"name": "N", "legal_basis": basis})).json()
            history = (await http.get(f"/v1/contacts/{made['id']}/legal-basis")).json()
            assert len(history["items"]) == changes


async def test_many_are_changed_at_once_and_each_is_told(crm: Collaborators, people: People) -> None:
    """Changed, unchanged, not found; repeating it changes nothing more."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        gone = (await http.post("/v1/contacts", json={"name": "Gone"})).json()["id"]
        await http.delete(f"/v1/contacts/{gone}")
        ids = [str(people.hanako.id), str(people.liam.id), gone, str(new_id()), str(people.liam.id)]
        body = {"ids": ids, "legal_basis": CONTRACT}
        first = (await http.post("/v1/contacts/legal-basis", json=body)).json()["results"]
        assert [(one["id"], one["outcome"]) for one in first] == list(
            zip(ids[:4], ("changed", "changed", "not_found", "not_found"), strict=True)
        )
        again = (await http.post("/v1/contacts/legal-basis", json=body)).json()["results"]
        assert [one["outcome"] for one in again] == ["unchanged", "unchanged", "not_found", "not_found"]
        for one in (people.hanako, people.liam):
            contact = (await http.get(f"/v1/contacts/{one.id}")).json()
            assert contact["legal_basis"]["kind"] == CONTRACT["kind"]
            assert contact["version"] == 2
            history = (await http.get(f"/v1/contacts/{one.id}/legal-basis")).json()
            assert told(history)[0] == ("performance_of_contract", "order 7", str(people.admin.id))
        found = (await http.get("/v1/contacts", params={"q": "liam"})).json()["items"]
        assert [one["id"] for one in found] == [str(people.liam.id)]
    newest = (await crm.stores.audit.newest(people.account_id, 1))[0]
    assert (newest.action, newest.after["contacts"]) == ("contacts.legal_basis_changed", 2)


async def test_a_change_of_many_loses_no_edit_made_at_the_same_time(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody edits the contact after it was read and before it is written: both changes stand."""
    url, written = f"/v1/contacts/{people.liam.id}", Records.replace_all
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        edits: list[int] = []

        async def later(self: Records[Any], *what: Any) -> None:
            if not edits:
                edits.append((await http.patch(url, json={"phone": "7"})).status_code)
            await written(self, *what)

        monkeypatch.setattr(Records, "replace_all", later)
        body = {"ids": [str(people.liam.id)], "legal_basis": CONTRACT}
        results = (await http.post("/v1/contacts/legal-basis", json=body)).json()["results"]
        now = (await http.get(url)).json()
        history = (await http.get(f"{url}/legal-basis")).json()
    assert (edits, [one["outcome"] for one in results]) == ([200], ["changed"])
    assert (now["phone"], now["legal_basis"]["kind"], now["version"]) == ("7", CONTRACT["kind"], 3)
    assert len(history["items"]) == 1


async def test_many_are_changed_from_the_list_and_noted(crm: Collaborators, people: People) -> None:
    """The ticked and all that match, as the API does it; another account's contacts are not found."""
    data = {"kind": CONTRACT["kind"], "source": CONTRACT["source"]}
    ticked = data | {"ids": [str(people.hanako.id), str(people.liam.id)]}
    async with await browser(crm, people.stranger) as stranger:
        answer = await stranger.post("/contacts/legal-basis", data=ticked)
        assert "2 were not found" in answer.text
        answer = await stranger.post("/contacts/legal-basis", data=data | {"scope": "all"})
        assert "No contact is in the list" in answer.text
    assert await crm.records.contacts.get(people.account_id, people.liam.id) == people.liam
    async with await browser(crm, people.rep) as rep:
        answer = await rep.post("/contacts/legal-basis", data=data | {"scope": "all", "listed": "liam"})
        assert "1 contact changed." in answer.text
        answer = await rep.post("/contacts/legal-basis", data=ticked)
        assert "1 contact changed." in answer.text
        assert "1 had this basis and source already." in answer.text
        forged = await rep.post("/contacts/legal-basis", data=ticked, headers={"X-CSRF-Token": "x"})
        assert forged.status_code == 403
    history = await crm.legal_bases.history(people.account_id, people.liam.id)
    assert [(one.kind.value, one.source, one.user_id) for one in history.items] == [
        (CONTRACT["kind"], CONTRACT["source"], people.rep.id)
    ]
    noted = [
        (one.action, one.user_id, one.after["contacts"])
        for one in await crm.stores.audit.newest(people.account_id, 10)
    ]
    assert noted == [("contacts.legal_basis_changed", people.rep.id, 1)] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"ids": [], "legal_basis": CONTRACT},
        {"ids": [str(UUID(int=n)) for n in range(501)], "legal_basis": CONTRACT},
        {"ids": ["x"], "legal_basis": CONTRACT},
        {"ids": [str(UUID(int=1))], "legal_basis": {"kind": "because"}},
        {"ids": [str(UUID(int=1))]},
    ],
)
async def test_bad_questions_are_refused(crm: Collaborators, people: People, body: dict[str, Any]) -> None:
    """As a whole."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.post("/v1/contacts/legal-basis", json=body)).status_code == 422


async def test_accounts_never_meet(crm: Collaborators, people: People) -> None:
    """Neither the history nor the change of many reaches another account's contact."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.stranger))
        assert (await http.get(f"/v1/contacts/{people.hanako.id}/legal-basis")).status_code == 404
        body = {"ids": [str(people.hanako.id)], "legal_basis": {"kind": "none"}}
        results = (await http.post("/v1/contacts/legal-basis", json=body)).json()["results"]
        assert [one["outcome"] for one in results] == ["not_found"]
        own = as_user(crm, people, people.rep)
        contact = (await http.get(f"/v1/contacts/{people.hanako.id}", headers=own)).json()
        assert contact["legal_basis"]["kind"] == "freely_given_consent"
