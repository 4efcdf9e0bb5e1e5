"""Records over HTTP (R1), and that accounts never meet."""

from typing import Any
from uuid import UUID

import pytest

from services.crm.collaborators import Collaborators
from services.crm.model.records import LegalBasisKind
from tests.integration.crm.people import People, as_user, client

NOUNS = ("contacts", "companies", "deals", "tickets")


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("noun", NOUNS)
async def test_create_find_edit(crm: Collaborators, people: People, noun: str) -> None:
    """Each kind has the same routes."""
    headers = as_user(crm, people, people.rep)
    async with client(crm) as http:
        http.headers.update(headers)
        made = await http.post(f"/v1/{noun}", json={"name": "Étoile 東京支社"})
        assert made.status_code == 201
        record = made.json()
        for q in ("étoile", "東京", "京支", "ÉTO 支社"):
            found = (await http.get(f"/v1/{noun}", params={"q": q})).json()["items"]
            assert [one["id"] for one in found] == [record["id"]], q
        assert (await http.get(f"/v1/{noun}", params={"q": "zzz"})).json()["items"] == []
        url = f"/v1/{noun}/{record['id']}"
        edited = (await http.patch(url, json={"name": "New", "owner_id": str(people.rep.id)})).json()
        assert (edited["name"], edited["version"]) == ("New", 2)
        assert (await http.get(url)).json() == edited
        assert (await http.get(f"{url}/timeline")).json() == {"items": [], "next": None}
        assert (await http.get(f"/v1/{noun}", params={"q": "étoile"})).json()["items"] == []


@pytest.mark.requirement("R1")
async def test_associations_are_seen_from_both_sides(crm: Collaborators, people: People) -> None:
    """And replaced as a whole."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        company = (await http.get(f"/v1/companies/{people.sakura.id}")).json()
        assert {one["name"] for one in company["associations"]} == {"山田 花子", "Renewal"}
        url = f"/v1/contacts/{people.hanako.id}"
        to_deal = {"record_type": "deal", "record_id": str(people.deal.id)}
        contact = (await http.patch(url, json={"associations": [to_deal]})).json()
        assert [(one["record_type"], one["name"]) for one in contact["associations"]] == [("deal", "Renewal")]
        company = (await http.get(f"/v1/companies/{people.sakura.id}")).json()
        assert [one["name"] for one in company["associations"]] == ["Renewal"]
        renamed = (await http.patch(url, json={"name": "花子"})).json()
        assert len(renamed["associations"]) == 1


async def test_an_address_is_one_contact_s(crm: Collaborators, people: People) -> None:
    """Whatever its case; given up, it is free; another account has its own."""
    taken = {"name": "Other", "addresses": ["HANAKO@Sakura.example"]}
    async with client(crm) as http:
        own, other = (as_user(crm, people, user) for user in (people.rep, people.stranger))
        refused = await http.post("/v1/contacts", json=taken, headers=own)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:kaifu:problem:address-taken")
        assert (await http.post("/v1/contacts", json=taken, headers=other)).status_code == 201
        url = f"/v1/contacts/{people.hanako.id}"
        given_up = {"addresses": ["new@sakura.example"]}
        assert (await http.patch(url, json=given_up, headers=own)).status_code == 200
        assert (await http.post("/v1/contacts", json=taken, headers=own)).status_code == 201


@pytest.mark.requirement("P4")
async def test_a_legal_basis_is_dated_by_its_change(crm: Collaborators, people: People) -> None:
    """The client says kind and source, the server when."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        basis = {"kind": LegalBasisKind.PERFORMANCE_OF_CONTRACT, "source": "order 7"}
        answer = await http.patch(f"/v1/contacts/{people.liam.id}", json={"legal_basis": basis})
        saved = answer.json()["legal_basis"]
        assert (saved["kind"], saved["source"]) == ("performance_of_contract", "order 7")
        assert saved["since"] == answer.json()["updated_at"]


@pytest.mark.parametrize("noun", NOUNS)
async def test_accounts_never_meet(crm: Collaborators, people: People, noun: str) -> None:
    """Another account's record is not found, not listed, not changed, not pointed at."""
    async with client(crm) as http:
        own, other = (as_user(crm, people, user) for user in (people.rep, people.stranger))
        record = (await http.post(f"/v1/{noun}", json={"name": "Secret"}, headers=own)).json()
        url = f"/v1/{noun}/{record['id']}"
        for method, path, body in (
            ("GET", url, None),
            ("PATCH", url, {"name": "Taken"}),
            ("GET", f"{url}/timeline", None),
        ):
            assert (await http.request(method, path, json=body, headers=other)).status_code == 404
        assert (await http.get(f"/v1/{noun}", headers=other)).json()["items"] == []
        assert (await http.get(f"/v1/{noun}", params={"q": "secret"}, headers=other)).json()["items"] == []
        assert (await http.get(url, headers=own)).json() == record
        pointing = {
            "name": "X",
            "associations": [{"record_type": noun_of(noun), "record_id": record["id"]}],
        }
        refused = await http.post("/v1/deals", json=pointing, headers=other)
        assert refused.json()["type"] == "urn:kaifu:problem:no-such-record"
        owned = {"name": "X", "owner_id": str(people.rep.id)}
        assert (await http.post(f"/v1/{noun}", json=owned, headers=other)).status_code == 422


def noun_of(plural: str) -> str:
    """The record type."""
    return "company" if plural == "companies" else plural.removesuffix("s")


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("/v1/feed?after=nonsense", 422, "invalid-cursor"),
        ("/v1/contacts?after=eyIkZ3QiOiAiIn0", 422, "invalid-cursor"),
        ("/v1/feed?limit=0", 422, "invalid-request"),
        ("/v1/feed?limit=201", 422, "invalid-request"),
        ("/v1/contacts/not-an-id", 422, "invalid-request"),
        (f"/v1/contacts/{UUID(int=1)}", 404, "not-found"),
        (f"/v1/feed/{UUID(int=1)}", 404, "not-found"),
        ("/v1/nothing", 404, "not-found"),
    ],
)
async def test_bad_questions_have_problems(
    crm: Collaborators, people: People, path: str, status: int, problem: str
) -> None:
    """RFC 9457."""
    async with client(crm) as http:
        answer = await http.get(path, headers=as_user(crm, people, people.rep))
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:kaifu:problem:{problem}")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 257},
        {"name": "x", "unknown": 1},
        {"name": "x", "addresses": ["no address"]},
        {"name": "x", "marketing": "yes"},
        {"name": "x", "legal_basis": {"kind": "because"}},
        {"name": None},
    ],
)
async def test_bad_contacts_are_refused(crm: Collaborators, people: People, body: dict[str, Any]) -> None:
    """With a pointer to each fault; by PATCH too."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        for answer in (
            await http.post("/v1/contacts", json=body),
            await http.patch(f"/v1/contacts/{people.liam.id}", json=body),
        ):
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"].startswith("/body/")


async def test_without_a_good_token_nothing_is_told(crm: Collaborators, people: People) -> None:
    """401 with the way to sign in."""
    good = as_user(crm, people, people.rep)["Authorization"]
    async with client(crm) as http:
        for token in (None, "", "Bearer", "Bearer x", good[:-4] + "AAAA", f"Basic {good[7:]}"):
            headers = {} if token is None else {"Authorization": token}
            answer = await http.get("/v1/me", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.requirement("R1")
async def test_an_association_that_is_made_from_the_other_side_is_not_lost(
    crm: Collaborators, people: People
) -> None:
    """It belongs to both records: who edits the other one from an older state is told."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        contact, company = f"/v1/contacts/{people.liam.id}", f"/v1/companies/{people.sakura.id}"
        read = await http.get(contact)
        before = (await http.get(company)).json()["associations"]
        liam = {"record_type": "contact", "record_id": str(people.liam.id)}
        kept = [{name: one[name] for name in ("record_type", "record_id", "primary")} for one in before]
        assert (await http.patch(company, json={"associations": [*kept, liam]})).status_code == 200
        deal = {"record_type": "deal", "record_id": str(people.deal.id)}
        stale = {"If-Match": read.headers["etag"]}
        assert (await http.patch(contact, json={"associations": [deal]}, headers=stale)).status_code == 412
        names = [one["name"] for one in (await http.get(contact)).json()["associations"]]
        assert people.sakura.name in names
