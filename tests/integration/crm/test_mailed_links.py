"""Invitations and forgotten passwords by mail, beside the link that is passed on by hand (A6)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from services.crm.adapters.postman import deliver_one
from services.crm.adapters.relay import Relay
from services.crm.application.letters import FORGOTTEN_A_DAY, FROM_ONE_CLIENT_A_DAY, TO_ONE_ADDRESS
from services.crm.collaborators import Collaborators, collaborate
from services.crm.model.letters import Outgoing, Written
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from services.crm.web.letters import LetterWriter
from shared.auth.scopes import Scope
from shared.auth.tokens import InvalidAccessToken, Role
from shared.events.ids import new_id
from shared.http.problems import Problem
from tests.integration.crm.own_database import configuration
from tests.integration.crm.people import PASSWORD, Clock, People, as_user, client, make_people
from tests.integration.mail_relay import MailRelay, mail_relay

pytestmark = pytest.mark.requirement("A6")
CLIENT = "203.0.113.77"
NEW = "another good password"


@pytest_asyncio.fixture(loop_scope="session")
async def relay(tmp_path: Path, database: Database) -> AsyncIterator[MailRelay]:
    """With nothing that other tests have left."""
    for collection in ("letters", "letter_requests"):
        await database.whole[collection].delete_many({})
    async with mail_relay(tmp_path) as relay:
        yield relay


@pytest.fixture
def crm(database: Database, clock: Clock, tmp_path: Path, relay: MailRelay) -> Collaborators:
    settings = CrmSettings(**relay.settings())
    return collaborate(replace(configuration(tmp_path), settings=settings), database, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def people(crm: Collaborators) -> People:
    return await make_people(crm)


async def delivered(crm: Collaborators) -> None:
    while await deliver_one(crm.post, LetterWriter(), Relay(crm.configuration.settings)):
        pass


def token_of(link: str) -> str:
    return link.rpartition("/welcome/")[2]


async def spent(crm: Collaborators, token: str) -> bool:
    try:
        await crm.users.linked(token)
    except Problem as problem:
        return problem.problem.name == "link-spent"
    return False


async def test_an_invitation_is_mailed_beside_its_link(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """Two links; the first that is used ends the other."""
    address = f"new-{new_id().hex[-12:]}@own.example"
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        made = (await http.post("/v1/users", json={"name": "Mai", "address": address})).json()
    assert made["mailed"] is True
    await delivered(crm)
    assert (relay.readers, relay.mails[0]["Subject"]) == ([address], "Your invitation to Kaifu")
    assert "“Own”" in relay.part("plain")
    by_hand, mailed = token_of(made["url"]), token_of(relay.link())
    assert by_hand != mailed
    assert not await spent(crm, by_hand)
    await crm.users.choose_password(mailed, PASSWORD)
    assert await spent(crm, by_hand)
    assert (await crm.sign_ins.identify(address, PASSWORD, CLIENT)).invited is False


async def test_an_invitation_that_the_relay_refuses_is_told_to_the_admin(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    relay.refusal = "550 5.1.1 no such user"
    address = f"typo-{new_id().hex[-12:]}@own.example"
    made = await crm.users.invite(people.who(people.admin), "Mai", address, Role.REP)
    await delivered(crm)
    rows = {row.id: row.mail_trouble for row in await crm.users.all(people.who(people.admin))}
    assert rows.pop(made.user_id) == "refused"
    assert set(rows.values()) == {None}
    await crm.users.choose_password(made.token.get_secret_value(), PASSWORD)
    rows = {row.id: row.mail_trouble for row in await crm.users.all(people.who(people.admin))}
    assert rows[made.user_id] is None


@pytest.mark.parametrize("address", ["a@[b", "花子@x.example", "a@b", "a\u00a0@x.example"])
async def test_an_address_that_no_mail_can_be_sent_to_stops_nobody_else_s(
    address: str, crm: Collaborators, people: People, relay: MailRelay
) -> None:
    who, tail = people.who(people.admin), new_id().hex[-12:]
    made = await crm.users.invite(who, "X", address.replace("@", f"{tail}@"), Role.REP)
    good = await crm.users.invite(who, "Y", f"here-{tail}@own.example", Role.REP)
    await delivered(crm)
    assert relay.readers == [f"here-{tail}@own.example"]
    rows = {row.id: row.mail_trouble for row in await crm.users.all(who)}
    assert (rows[made.user_id], rows[good.user_id]) == ("refused", None)


async def test_a_letter_that_can_not_be_written_is_given_up(
    crm: Collaborators, people: People, relay: MailRelay, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is the matter with it; nothing of it stands in the log."""

    class Broken(LetterWriter):
        def write(self, outgoing: Outgoing) -> Written:
            raise KeyError(outgoing.to)

    made = await crm.users.invite(people.who(people.admin), "X", f"x-{new_id().hex}@own.example", Role.REP)
    assert await deliver_one(crm.post, Broken(), Relay(crm.configuration.settings))
    rows = {row.id: row.mail_trouble for row in await crm.users.all(people.who(people.admin))}
    assert rows[made.user_id] == "refused"
    assert "own.example" not in capsys.readouterr().out


async def test_invitations_are_mailed_within_bounds(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """The link is shown all the same, and says that it was not mailed."""
    who, address = people.who(people.admin), f"mai-{new_id().hex[-12:]}@own.example"
    made = [await crm.users.invite(who, "Mai", address, Role.REP)]
    made += [await crm.users.new_link(who, made[0].user_id) for _ in range(TO_ONE_ADDRESS)]
    assert [one.mailed for one in made] == [True] * TO_ONE_ADDRESS + [False]


async def test_a_changed_password_ends_mailed_links(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """Who reads somebody's mail must not choose the password that was just changed because of it."""
    await crm.post.forgot(people.rep.address, CLIENT)
    await delivered(crm)
    await crm.profiles.change_password(people.who(people.rep), PASSWORD, NEW, CLIENT)
    assert await spent(crm, token_of(relay.link()))


async def test_a_letter_to_who_has_left_or_chosen_meanwhile_is_not_sent(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    who = people.who(people.admin)
    left = await crm.users.invite(who, "X", f"left-{new_id().hex[-12:]}@own.example", Role.REP)
    await crm.users.see_off(who, left.user_id, people.admin.id)
    chosen = await crm.users.invite(who, "Y", f"here-{new_id().hex[-12:]}@own.example", Role.REP)
    await crm.users.choose_password(chosen.token.get_secret_value(), PASSWORD)
    await delivered(crm)
    assert relay.mails == []


async def test_a_forgotten_password_is_chosen_anew(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """By the link in a mail, once, within a day; all sign-ins end."""
    session = await crm.sign_ins.sign_in(people.rep.address, PASSWORD, CLIENT)
    await crm.post.forgot(f" {people.rep.address.upper()}", CLIENT)
    await delivered(crm)
    assert relay.readers == [people.rep.address]
    token = token_of(relay.link())
    assert (await crm.sign_ins.identify(people.rep.address, PASSWORD, CLIENT)).id == people.rep.id
    await crm.users.choose_password(token, NEW)
    assert await crm.sign_ins.session(session.cookie.get_secret_value()) is None
    assert (await crm.sign_ins.identify(people.rep.address, NEW, CLIENT)).id == people.rep.id
    assert await spent(crm, token)
    await crm.post.forgot(people.rep.address, CLIENT)
    await delivered(crm)
    clock.ahead = timedelta(hours=24, seconds=1)
    assert await spent(crm, token_of(relay.link()))


async def test_a_changed_password_takes_back_a_letter_that_waits(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """However it was changed: what was asked for before is asked for in vain."""
    who = people.who(people.admin)
    await crm.post.forgot(people.rep.address, CLIENT)
    await crm.profiles.change_password(people.who(people.rep), PASSWORD, NEW, CLIENT)
    await crm.post.forgot(people.rep.address, CLIENT)
    link = await crm.users.new_link(who, people.rep.id)
    await crm.users.choose_password(link.token.get_secret_value(), PASSWORD)
    await delivered(crm)
    assert relay.mails == []


@pytest.mark.requirement("A6")
async def test_a_password_that_is_chosen_by_a_link_ends_the_user_s_api_tokens(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """And nobody else's. One that is changed by who knows it ends none."""
    who = people.who(people.admin)
    other = (await crm.users.invite(who, "B", f"b-{new_id().hex[-12:]}@own.example", Role.SUPER_ADMIN)).token
    second = await crm.users.choose_password(other.get_secret_value(), PASSWORD)
    own = (await crm.api_tokens.make(who, "Own", [Scope.MAIL_READ], 1)).secret.get_secret_value()
    theirs = (await crm.api_tokens.make(people.who(second), "B's", [Scope.MAIL_READ], 1)).secret
    await crm.profiles.change_password(who, PASSWORD, NEW, CLIENT)
    assert (await crm.api_tokens.verify(own)).user_id == people.admin.id
    await crm.post.forgot(people.admin.address, CLIENT)
    await delivered(crm)
    await crm.users.choose_password(token_of(relay.link()), PASSWORD)
    with pytest.raises(InvalidAccessToken):
        await crm.api_tokens.verify(own)
    assert (await crm.api_tokens.verify(theirs.get_secret_value())).user_id == second.id
    entry = (await crm.audit.page(who)).items[0]
    assert (entry.action, entry.before, entry.user_id) == (
        "api_token.revoked",
        {"token": "Own"},
        people.admin.id,
    )


async def test_for_unknown_people_the_same_is_done_and_nothing_sent(
    crm: Collaborators, people: People, relay: MailRelay, database: Database
) -> None:
    """The same is written, whoever signs in with the address or does not; neither is left behind."""
    await crm.sign_ins.disable(people.account_id, people.rep.id)
    kept = []
    for address in (people.rep.address, f"nobody-{new_id()}@own.example", people.admin.address):
        await crm.post.forgot(address, CLIENT)
        (row,) = await database.whole["letters"].find({}).to_list(None)
        kept.append({name: value for name, value in row.items() if not name.endswith(("_id", "_at", "name"))})
        await delivered(crm)
        assert await database.whole["letters"].find_one({}) is None
    assert kept[0] == kept[1] == kept[2]
    assert relay.readers == [people.admin.address]


async def test_forgotten_passwords_are_bounded(crm: Collaborators, people: People, relay: MailRelay) -> None:
    """Three mails an hour to one address, in silence; twenty questions of one client, which is told."""
    for _ in range(5):
        await crm.post.forgot(people.rep.address, CLIENT)
        await delivered(crm)
    assert len(relay.mails) == 3
    for _ in range(15):
        await crm.post.forgot(f"nobody-{new_id()}@own.example", CLIENT)
    with pytest.raises(Problem) as refusal:
        await crm.post.forgot(people.admin.address, CLIENT)
    assert refusal.value.problem.name == "too-many-letters"
    await crm.post.forgot(people.admin.address, "203.0.113.78")


async def test_forgotten_passwords_are_bounded_by_the_day(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """Hour after hour: eight mails to one address, in silence; a hundred questions of one client."""
    for hour in range(6):
        clock.ahead = timedelta(hours=hour, minutes=hour)
        for _ in range(3):
            await crm.post.forgot(people.rep.address, f"203.0.113.{hour}")
            await delivered(crm)
    assert len(relay.mails) == FORGOTTEN_A_DAY
    for asked in range(FROM_ONE_CLIENT_A_DAY):
        hour = asked // 15
        clock.ahead = timedelta(hours=hour, minutes=hour)
        await crm.post.forgot(f"nobody-{new_id()}@own.example", CLIENT)
    clock.ahead = timedelta(hours=20)
    with pytest.raises(Problem) as refusal:
        await crm.post.forgot(f"nobody-{new_id()}@own.example", CLIENT)
    assert refusal.value.problem.name == "too-many-letters"
    clock.ahead = timedelta(hours=25)
    await crm.post.forgot(people.rep.address, CLIENT)
    await delivered(crm)
    assert len(relay.mails) == FORGOTTEN_A_DAY + 1
