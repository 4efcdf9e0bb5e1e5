"""Users: invited, given a role, seen off with a hand-over (A6), on a real database."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from services.crm.collaborators import Collaborators
from shared.auth.tokens import Role
from shared.events.ids import new_id
from shared.events.notifications import SignInRevoked
from shared.http.problems import Problem
from tests.integration.crm.people import PASSWORD, Clock, People, as_user, client, written

PATH = "/v1/users"


def an_address() -> str:
    return f"new-{new_id().hex[-12:]}@own.example"


async def invited(http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await http.post(PATH, json={"name": "Mai", "address": an_address()} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def token_of(link: dict[str, Any]) -> str:
    return urlsplit(link["url"]).path.removeprefix("/welcome/")


@pytest.mark.requirement("A6")
async def test_somebody_is_invited_chooses_a_password_and_signs_in(
    crm: Collaborators, people: People
) -> None:
    """The link works once; before it is used nobody signs in with the address."""
    address = an_address()
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        link = await invited(http, address=f" {address.upper()} ".strip(), role="admin")
        rows = {row["id"]: row for row in (await http.get(PATH)).json()["users"]}
    row = rows[link["user_id"]]
    assert (row["state"], row["role"], row["name"]) == ("invited", "admin", "Mai")
    with pytest.raises(Problem):
        await crm.sign_ins.identify(address, "", "203.0.113.1")
    token = token_of(link)
    assert (await crm.users.linked(token)).name == "Mai"
    with pytest.raises(Problem) as short:
        await crm.users.choose_password(token, "too short")
    assert short.value.problem.name == "invalid-request"
    await crm.users.choose_password(token, PASSWORD)
    user = await crm.sign_ins.identify(address, PASSWORD, "203.0.113.1")
    assert (str(user.id), user.invited) == (link["user_id"], False)
    with pytest.raises(Problem) as spent:
        await crm.users.choose_password(token, PASSWORD)
    assert spent.value.problem.name == "link-spent"


@pytest.mark.requirement("A6", "B10")
async def test_a_newcomer_s_language_is_that_in_which_the_invitation_was_accepted(
    crm: Collaborators, people: People
) -> None:
    """Until then, and for good where it is not known, the inviter's, as is the time zone; a later link
    changes nothing."""
    inviter = people.who(people.admin)
    await crm.profiles.change(inviter, {"locale": "ja", "time_zone": "Asia/Tokyo"})
    address = an_address()
    made = await crm.users.invite(inviter, "Mai", address, Role.REP)
    invited_user = await crm.users.linked(made.token.get_secret_value())
    assert (invited_user.locale, invited_user.time_zone) == ("ja", "Asia/Tokyo")
    await crm.users.choose_password(made.token.get_secret_value(), PASSWORD, "en")
    assert (await crm.sign_ins.user(people.account_id, made.user_id)).locale == "en"
    again = await crm.users.new_link(inviter, made.user_id)
    await crm.users.choose_password(again.token.get_secret_value(), PASSWORD, "ja")
    user = await crm.sign_ins.user(people.account_id, made.user_id)
    assert (user.locale, user.time_zone) == ("en", "Asia/Tokyo")


@pytest.mark.requirement("A6")
async def test_a_link_ends_with_its_time_with_the_next_one_and_with_its_user(
    crm: Collaborators, people: People, clock: Clock
) -> None:
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        first = await invited(http)
        second = (await http.post(f"{PATH}/{first['user_id']}/password-link")).json()
        assert (await crm.users.linked(token_of(second))).id is not None
        for over in (token_of(first), "nonsense"):
            with pytest.raises(Problem):
                await crm.users.linked(over)
        leave = f"{PATH}/{first['user_id']}/leave"
        assert (await http.post(leave, json={"successor_id": str(people.rep.id)})).status_code == 200
        with pytest.raises(Problem):
            await crm.users.linked(token_of(second))
        reset = (await http.post(f"{PATH}/{people.rep.id}/password-link")).json()
    clock.ahead = timedelta(days=1, minutes=1)
    with pytest.raises(Problem):
        await crm.users.linked(token_of(reset))


@pytest.mark.requirement("A6")
async def test_two_who_use_one_link_at_once_set_one_password(crm: Collaborators, people: People) -> None:
    made = await crm.users.new_link(people.who(people.admin), people.rep.id)
    token = made.token.get_secret_value()
    words = ["the first password", "the second password"]
    outcomes = await asyncio.gather(
        *(crm.users.choose_password(token, word) for word in words), return_exceptions=True
    )
    good = [word for word, outcome in zip(words, outcomes, strict=True) if not isinstance(outcome, Problem)]
    assert len(good) == 1
    assert (await crm.sign_ins.identify(people.rep.address, good[0], "203.0.113.2")).id == people.rep.id


@pytest.mark.requirement("A6")
async def test_a_new_role_ends_the_sign_ins_and_the_last_super_admin_stays(
    crm: Collaborators, people: People
) -> None:
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        role = f"{PATH}/{people.rep.id}/role"
        for _ in range(2):
            assert (await http.put(role, json={"role": "super_admin"})).status_code == 204
        told = [one for one in await written(crm, people.account_id) if isinstance(one, SignInRevoked)]
        assert [(one.user_id, one.sign_in_id) for one in told] == [(people.rep.id, None)]
        own = f"{PATH}/{people.admin.id}"
        assert (await http.put(f"{own}/role", json={"role": "rep"})).status_code == 204
        http.headers.update(as_user(crm, people, people.rep.model_copy(update={"role": Role.SUPER_ADMIN})))
        last = await http.put(role, json={"role": "rep"})
        assert (last.status_code, last.json()["type"].rpartition(":")[2]) == (409, "last-super-admin")
        away = await http.post(f"{PATH}/{people.rep.id}/leave", json={"successor_id": str(people.admin.id)})
        assert away.status_code == 409


@pytest.mark.requirement("A6")
async def test_two_super_admins_who_demote_each_other_at_once_leave_one(
    crm: Collaborators, people: People
) -> None:
    who = people.who(people.admin)
    await crm.users.set_role(who, people.rep.id, Role.SUPER_ADMIN)
    await asyncio.gather(
        crm.users.set_role(who, people.rep.id, Role.REP),
        crm.users.set_role(who, people.admin.id, Role.REP),
        return_exceptions=True,
    )
    left = [user for user in await crm.accounts.users(people.account_id) if user.role is Role.SUPER_ADMIN]
    assert len(left) == 1


@pytest.mark.requirement("A6")
async def test_who_leaves_hands_everything_over_and_signs_in_no_more(
    crm: Collaborators, people: People
) -> None:
    """Contacts, companies, deals, tickets; past mail stays the leaver's."""
    here, owned = people.account_id, {"owner_id": people.rep.id}
    deal = await crm.records.deals.create(here, {"name": "Owned", **owned})
    ticket = await crm.records.tickets.create(here, {"name": "Owned", **owned})
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        leave = f"{PATH}/{people.rep.id}/leave"
        own = await http.post(leave, json={"successor_id": str(people.rep.id)})
        assert own.status_code == 422
        answer = await http.post(leave, json={"successor_id": str(people.admin.id)})
        assert answer.json() == {"records": 3}  # Hanako too
        assert (await http.post(leave, json={"successor_id": str(people.admin.id)})).status_code == 404
        rows = (await http.get(PATH)).json()["users"]
    assert [(row["id"], row["state"]) for row in rows][-1] == (str(people.rep.id), "left")
    for book, id_ in ((crm.records.deals, deal.id), (crm.records.tickets, ticket.id)):
        assert (await book.get(here, id_)).owner_id == people.admin.id
    assert (await crm.records.contacts.get(here, people.hanako.id)).owner_id == people.admin.id
    with pytest.raises(Problem):
        await crm.sign_ins.identify(people.rep.address, PASSWORD, "203.0.113.3")
    (entry,) = [one for one in await crm.stores.audit.newest(here, 10) if one.action == "user.left"]
    assert entry.after == {"successor": people.admin.address, "records": 3}


@pytest.mark.requirement("A6")
async def test_only_super_admins_and_only_in_their_own_account(crm: Collaborators, people: People) -> None:
    """403 for others; another account's users are not there."""
    calls = [
        ("GET", PATH, None),
        ("POST", PATH, {"name": "X", "address": an_address()}),
        ("POST", f"{PATH}/{people.rep.id}/password-link", None),
        ("PUT", f"{PATH}/{people.rep.id}/role", {"role": "admin"}),
        ("POST", f"{PATH}/{people.rep.id}/leave", {"successor_id": str(people.admin.id)}),
    ]
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        for method, path, body in calls:
            assert (await http.request(method, path, json=body)).status_code == 403, path
        http.headers.update(as_user(crm, people, people.stranger))
        for method, path, body in calls[2:]:
            assert (await http.request(method, path, json=body)).status_code == 404, path
        rows = (await http.get(PATH)).json()["users"]
        assert [row["id"] for row in rows] == [str(people.stranger.id)]
        taken = await http.post(PATH, json={"name": "X", "address": people.rep.address})
        assert taken.status_code == 409


@pytest.mark.requirement("B10")
async def test_users_change_their_own_language_and_time_zone(crm: Collaborators, people: People) -> None:
    """Nothing else of themselves, and nothing that there is not."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        wanted = {"locale": "ja", "time_zone": "Asia/Tokyo"}
        found = (await http.patch("/v1/me", json=wanted)).json()
        assert {name: found[name] for name in wanted} == wanted
        for wrong in ({"locale": "fr"}, {"time_zone": "Mars/Olympus"}, {"role": "super_admin"}, {"name": ""}):
            assert (await http.patch("/v1/me", json=wrong)).status_code == 422
        assert (await http.get("/v1/me")).json() == found


async def test_a_new_password_ends_all_sign_ins(crm: Collaborators, people: People) -> None:
    """With the old one alone; the old one is no good any more."""
    who, new = people.who(people.rep), "another good password"
    session = await crm.sign_ins.sign_in(people.rep.address, PASSWORD, "203.0.113.4")
    for old, wanted in (("wrong", new), (PASSWORD, "short")):
        with pytest.raises(Problem):
            await crm.profiles.change_password(who, old, wanted, "203.0.113.4")
    await crm.profiles.change_password(who, PASSWORD, new, "203.0.113.4")
    assert await crm.sign_ins.session(session.cookie.get_secret_value()) is None
    with pytest.raises(Problem):
        await crm.sign_ins.identify(people.rep.address, PASSWORD, "203.0.113.4")
    assert (await crm.sign_ins.identify(people.rep.address, new, "203.0.113.4")).id == people.rep.id
