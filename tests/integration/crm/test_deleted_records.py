"""Deleted records: nowhere to be found, and back again (R1, R2, P4)."""

from typing import Any

import httpx
import pytest

from services.crm.collaborators import Collaborators
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from tests.integration.crm.people import BASIS, People, as_user, asked, client
from tests.integration.crm.test_records import NOUNS, noun_of

pytestmark = pytest.mark.requirement("R1")


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and name of a refusal."""
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:kaifu:problem:")


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_deleted_record_is_nowhere_and_comes_back_whole(
    crm: Collaborators, people: People, noun: str
) -> None:
    """Not listed, found, read, edited, associated, on a timeline; then as it was."""
    to_sakura = {"record_type": "company", "record_id": str(people.sakura.id), "primary": True}
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        made = (await http.post(f"/v1/{noun}", json={"name": "Gone", "associations": [to_sakura]})).json()
        url = f"/v1/{noun}/{made['id']}"
        assert (await http.delete(url)).status_code == 204
        for answer in (
            await http.get(url),
            await http.get(f"{url}/timeline"),
            await http.patch(url, json={"name": "X"}),
            await http.delete(url),
        ):
            assert problem(answer) == (404, "not-found")
        assert made["id"] not in str((await http.get(f"/v1/{noun}")).json())
        assert (await http.get(f"/v1/{noun}", params={"q": "gone"})).json()["items"] == []
        company = (await http.get(f"/v1/companies/{people.sakura.id}")).json()
        assert "Gone" not in str(company["associations"])
        to_it = {"record_type": noun_of(noun), "record_id": made["id"]}
        pointing = await http.post("/v1/deals", json={"name": "X", "associations": [to_it]})
        assert problem(pointing) == (422, "no-such-record")

        back = await http.post(f"{url}/restore")
        assert (back.status_code, back.headers["etag"]) == (200, '"2"')
        same = {"version", "updated_at"}
        assert {k: v for k, v in back.json().items() if k not in same} == {
            k: v for k, v in made.items() if k not in same
        }
        assert (await http.post(f"{url}/restore")).json() == back.json()
        assert [one["id"] for one in (await http.get(f"/v1/{noun}", params={"q": "gone"})).json()["items"]]
        company = (await http.get(f"/v1/companies/{people.sakura.id}")).json()
        assert "Gone" in str(company["associations"])
    entries = await crm.stores.audit.newest(people.account_id, 10)
    kind = noun_of(noun)
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        (f"{kind}.restored", {}, {"record": made["id"]}),
        (f"{kind}.deleted", {"record": made["id"]}, {}),
    ]
    assert {entry.user_id for entry in entries} == {people.rep.id}


@pytest.mark.parametrize("noun", NOUNS)
async def test_only_the_version_that_was_read_is_deleted(
    crm: Collaborators, people: People, noun: str
) -> None:
    """Whoever deletes what somebody else just changed is told first."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        made = await http.post(f"/v1/{noun}", json={"name": "A"})
        url, read = f"/v1/{noun}/{made.json()['id']}", {"If-Match": made.headers["etag"]}
        await http.patch(url, json={"name": "B"})
        assert problem(await http.delete(url, headers=read)) == (412, "precondition-failed")
        assert (await http.get(url)).json()["name"] == "B"
        assert (await http.delete(url, headers={"If-Match": '"2"'})).status_code == 204
        await http.post(f"{url}/restore")
        stale = await http.patch(url, json={"name": "C"}, headers={"If-Match": '"2"'})
        assert problem(stale) == (412, "precondition-failed")


@pytest.mark.parametrize("noun", NOUNS)
async def test_accounts_never_meet_in_the_bin(crm: Collaborators, people: People, noun: str) -> None:
    """Another account neither deletes nor restores; another kind's address leads nowhere."""
    async with client(crm) as http:
        own, other = (as_user(crm, people, user) for user in (people.rep, people.stranger))
        made = (await http.post(f"/v1/{noun}", json={"name": "Secret"}, headers=own)).json()
        url = f"/v1/{noun}/{made['id']}"
        assert (await http.delete(url, headers=other)).status_code == 404
        assert (await http.get(url, headers=own)).json() == made
        assert (await http.delete(url, headers=own)).status_code == 204
        assert (await http.post(f"{url}/restore", headers=other)).status_code == 404
        elsewhere = next(one for one in NOUNS if one != noun)
        crossed = await http.post(f"/v1/{elsewhere}/{made['id']}/restore", headers=own)
        assert crossed.status_code == 404
        assert (await http.post(f"{url}/restore", headers=own)).status_code == 200


@pytest.mark.requirement("P1", "P4")
async def test_a_deleted_contact_lends_its_legal_basis_to_nobody(crm: Collaborators, people: People) -> None:
    """Its address is a stranger's to the directory, and whoever gets it next begins without a basis."""
    on = {"data_privacy": True, "tracking": True, "logging": True, "log_attachments": True}
    url = f"/v1/contacts/{people.hanako.id}"
    async with client(crm) as http:
        own, admin = as_user(crm, people, people.rep), as_user(crm, people, people.admin)
        starts = {"log_default": False, "log_ticked": True, "track_default": False, "track_ticked": True}
        assert (await http.put("/v1/settings/email", json=on | starts, headers=admin)).status_code == 200
        http.headers.update(own)
        assert (await crm.directory.prepare(asked(people))).tracked
        await http.delete(url)
        policy = await crm.directory.prepare(asked(people))
        assert (policy.tracked, policy.untracked_reason) == (False, "no_legal_basis")
        context = (await http.get("/v1/compose-context", params={"to": "hanako@sakura.example"})).json()
        assert (context["recipients"][0]["contact_id"], context["records"]) == (None, [])
        taken = {"name": "Other", "addresses": ["hanako@sakura.example"]}
        second = (await http.post("/v1/contacts", json=taken)).json()
        assert not (await crm.directory.prepare(asked(people))).tracked
        assert problem(await http.post(f"{url}/restore")) == (409, "address-taken")
        assert (await http.get(url)).status_code == 404
        assert (await http.delete(f"/v1/contacts/{second['id']}")).status_code == 204
        back = (await http.post(f"{url}/restore")).json()
        assert back["legal_basis"]["kind"] == BASIS["kind"]
        assert (await crm.directory.prepare(asked(people))).tracked
        assert problem(await http.post(f"/v1/contacts/{second['id']}/restore")) == (
            409,
            "address-taken",
        )


@pytest.mark.requirement("L4")
async def test_a_mail_is_not_logged_on_what_is_deleted(crm: Collaborators, people: People) -> None:
    """The logger is told that the ticked record is not there."""
    ticked = (RecordRef(record_type=RecordType.DEAL, record_id=people.deal.id),)
    mail = asked(people, records=ticked)
    await crm.directory.prepare(mail)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        await http.delete(f"/v1/deals/{people.deal.id}")
    inputs = await crm.directory.log_inputs(people.account_id, mail.message_id)
    assert [one.exists for one in inputs.ticked] == [False]


async def test_associations_with_a_deleted_record_survive_an_edit_meanwhile(
    crm: Collaborators, people: People
) -> None:
    """Whoever replaced them did not see it."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        await http.delete(f"/v1/companies/{people.sakura.id}")
        url = f"/v1/contacts/{people.hanako.id}"
        to_deal: dict[str, Any] = {"record_type": "deal", "record_id": str(people.deal.id)}
        await http.patch(url, json={"associations": [to_deal]})
        await http.post(f"/v1/companies/{people.sakura.id}/restore")
        names = [one["name"] for one in (await http.get(url)).json()["associations"]]
        assert names == ["さくら商事", "Renewal"]
