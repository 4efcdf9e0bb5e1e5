"""What a compose window is told agrees with what prepare decides, and offers the right records."""

from itertools import combinations, product

import pytest

from services.crm.collaborators import Collaborators
from services.crm.model.accounts import EmailSettings
from services.crm.model.records import Association
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from tests.integration.crm.people import BASIS, People, as_user, asked, client

KNOWN, OTHER, STRANGER, SHOUTED = (
    "hanako@sakura.example",
    "liam@northwind.example",
    "x@y.example",
    "LIAM@northwind.EXAMPLE",
)
MAILS = [to for size in (1, 2, 3) for to in combinations((KNOWN, OTHER, STRANGER, SHOUTED), size)]


@pytest.mark.requirement("A4", "P1", "P2", "P3", "T1", "L1")
@pytest.mark.parametrize("switches", list(product([True, False], repeat=3)))
async def test_a_box_is_greyed_exactly_where_prepare_would_refuse(
    crm: Collaborators, people: People, switches: tuple[bool, bool, bool]
) -> None:
    """With the same reason: for each state of the account and every mix of recipients."""
    tracking, logging, data_privacy = switches
    settings = EmailSettings(tracking=tracking, logging=logging, data_privacy=data_privacy)
    await crm.email_settings.change(people.who(people.admin), settings)
    for to in MAILS:
        context = await crm.compose.of(people.account_id, to)
        policy = await crm.directory.prepare(asked(people, *to))
        assert (context.track.enabled, context.track.reason) == (policy.tracked, policy.untracked_reason)
        assert (context.log.enabled, context.log.reason) == (policy.logged, policy.unlogged_reason)
        for one in context.recipients:
            alone = await crm.directory.prepare(asked(people, one.address, log=False))
            assert (one.trackable, one.reason) == (alone.tracked, alone.untracked_reason)


@pytest.mark.requirement("L3", "L4", "L5")
async def test_each_address_is_a_contact_or_not_and_their_records_are_offered(
    crm: Collaborators, people: People
) -> None:
    """Contacts, primary company, the five newest open deals, open tickets; nothing closed, nothing twice."""
    here, hanako = people.account_id, people.hanako
    belongs = [Association(record_type=RecordType.CONTACT, record_id=hanako.id, name="")]
    deals = [
        await crm.records.deals.create(here, {"name": f"Deal {number}", "open": number != 5}, belongs)
        for number in range(8)
    ]
    second = await crm.records.companies.create(here, {"name": "Not the primary one"}, belongs)
    tickets = [
        await crm.records.tickets.create(here, {"name": name, "open": name == "open"}, belongs)
        for name in ("open", "closed")
    ]
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        to = ",".join(["Hanako@Sakura.example", STRANGER, KNOWN])
        found = (await http.get("/v1/compose-context", params={"to": to})).json()
    assert [(one["address"], one["contact_id"], one["name"]) for one in found["recipients"]] == [
        (KNOWN, str(hanako.id), hanako.name),
        (STRANGER, None, ""),
        (KNOWN, str(hanako.id), hanako.name),
    ]
    newest = [str(deals[number].id) for number in (7, 6, 4, 3, 2)]
    assert [(one["record_type"], one["record_id"]) for one in found["records"]] == [
        ("contact", str(hanako.id)),
        ("company", str(people.sakura.id)),
        *(("deal", id_) for id_ in newest),
        ("ticket", str(tickets[0].id)),
    ]
    assert found["records"][0]["addresses"] == ["Hanako@sakura.example"]
    assert str(second.id) not in str(found)


@pytest.mark.requirement("P2")
async def test_to_nobody_yet_only_the_account_speaks(crm: Collaborators, people: People) -> None:
    """Data privacy greys nothing before there is a recipient."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        free = {"enabled": True, "reason": None, "start": None}
        await crm.email_settings.change(people.who(people.admin), EmailSettings(data_privacy=True))
        found = (await http.get("/v1/compose-context")).json()
        assert found == {"recipients": [], "records": [], "track": free, "log": free}
        await crm.email_settings.change(people.who(people.admin), EmailSettings(tracking=False))
        found = (await http.get("/v1/compose-context")).json()
        assert found["track"] == {"enabled": False, "reason": "account_tracking_off", "start": None}


async def test_five_hundred_addresses_are_one_question(crm: Collaborators, people: People) -> None:
    """More than an address line holds are posted; more than a mail may have are refused; a mail is logged on
    200 records at most, so no more are offered."""
    many = [f"r{number}-{new_id().hex[-12:]}@many.example" for number in range(500)]
    for address in many[:210]:
        fields = {"name": address, "addresses": [address], "legal_basis": BASIS}
        await crm.records.contacts.create(people.account_id, fields)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        found = (await http.post("/v1/compose-context", json={"to": many})).json()
        assert [one["address"] for one in found["recipients"]] == many
        assert sum(one["contact_id"] is not None for one in found["recipients"]) == 210
        assert len(found["records"]) == 200
        too_many = await http.post("/v1/compose-context", json={"to": [*many, STRANGER]})
        assert too_many.status_code == 422
        short = ",".join(["a@b"] * 501)
        assert (await http.get("/v1/compose-context", params={"to": short})).status_code == 422


@pytest.mark.parametrize("to", ["nobody", "a@b,", ",a@b", "a@b c", "a@b@c"])
async def test_what_is_no_address_is_refused(crm: Collaborators, people: People, to: str) -> None:
    """422."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        assert (await http.get("/v1/compose-context", params={"to": to})).status_code == 422


async def test_another_accounts_contacts_are_strangers(crm: Collaborators, people: People) -> None:
    """No name, no record."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.stranger))
        found = (await http.get("/v1/compose-context", params={"to": KNOWN})).json()
    assert (found["recipients"][0]["contact_id"], found["records"]) == (None, [])
