"""Addresses to send from count once a mailed link was opened (E4, L7): a real database, a real SMTP relay."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from services.crm.adapters.checks import checks
from services.crm.adapters.postman import deliver_one
from services.crm.adapters.relay import Relay
from services.crm.collaborators import Collaborators, Configuration, collaborate
from services.crm.model.accounts import User
from services.crm.model.addresses import AddressRow
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from services.crm.web.letters import LetterWriter
from shared.auth.tokens import Role
from shared.events.ids import new_id
from shared.http.problems import Problem
from tests.integration.crm.own_database import configuration
from tests.integration.crm.people import PASSWORD, Clock, People, as_user, asked, client, make_people
from tests.integration.mail_relay import SENDER, MailRelay, mail_relay

WRITER = LetterWriter()


def set_up(folder: Path, relay: MailRelay, **changes: Any) -> Configuration:
    return replace(configuration(folder), settings=CrmSettings(**relay.settings(**changes)))


@pytest_asyncio.fixture(loop_scope="session")
async def relay(tmp_path: Path, database: Database) -> AsyncIterator[MailRelay]:
    """With an empty queue: what another test has left there is not this one's."""
    await database.whole["letters"].delete_many({})
    async with mail_relay(tmp_path) as relay:
        yield relay


@pytest.fixture
def crm(database: Database, clock: Clock, tmp_path: Path, relay: MailRelay) -> Collaborators:
    """crm with that relay."""
    return collaborate(set_up(tmp_path, relay), database, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def people(crm: Collaborators) -> People:
    return await make_people(crm)


async def delivered(crm: Collaborators) -> int:
    """All letters that are due; how many were tried."""
    tried, sender = 0, Relay(crm.configuration.settings)
    while await deliver_one(crm.post, WRITER, sender):
        tried += 1
    return tried


def an_alias() -> str:
    return f"alias-{new_id().hex[-12:]}@own.example"


def token_of(link: str) -> str:
    return urlsplit(link).path.rpartition("/")[2]


async def row(crm: Collaborators, people: People, address: str, user: User | None = None) -> AddressRow:
    rows = await crm.addresses.all(people.who(user or people.rep))
    return next(one for one in rows if one.address == address)


async def problem_of(call: Any) -> str:
    with pytest.raises(Problem) as refusal:
        await call
    return refusal.value.problem.name


@pytest.mark.requirement("E4", "L7")
async def test_an_address_counts_from_its_proof_on_and_no_earlier(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """Nor for the first sign-in of a mail account, nor after it was removed."""
    who, alias = people.who(people.rep), an_alias()
    row_ = await crm.addresses.ask(who, f" {alias} ")
    assert (row_.state.value, row_.address) == ("queued", alias)
    from_alias = asked(people, from_address=alias.upper())
    assert await problem_of(crm.directory.prepare(from_alias)) == "sender-not-ours"
    assert await delivered(crm) == 1
    assert (await row(crm, people, alias)).state.value == "mailed"
    assert await problem_of(crm.directory.prepare(from_alias)) == "sender-not-ours"

    (mail,) = relay.mails
    assert (relay.readers, mail["To"], mail["From"]) == ([alias], alias, f"Kaifu <{SENDER}>")
    assert relay.link().startswith(f"{crm.configuration.addresses.app_url}/profile/addresses/confirm/")
    assert people.rep.address in relay.part("plain")
    token = token_of(relay.link())
    assert (await crm.addresses.linked(who, token)).address == alias
    assert await problem_of(crm.directory.prepare(from_alias)) == "sender-not-ours", "looking proves nothing"
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        proven = await http.post("/v1/me/addresses/proofs", json={"token": token})
        assert (proven.status_code, proven.json()["state"]) == (200, "proven")
        me = (await http.get("/v1/me")).json()["addresses"]
        assert me[-1] == {"address": alias, "kind": "alias"}

    assert (await crm.directory.prepare(from_alias)).logged
    inputs = await crm.directory.log_inputs(people.account_id, from_alias.message_id)
    assert inputs.sender_is_ours
    (entry,) = [
        one for one in await crm.stores.audit.newest(people.account_id, 5) if one.action == "address.proven"
    ]
    assert (entry.user_id, entry.after) == (people.rep.id, {"address": alias})

    await crm.addresses.remove(who, row_.id)
    assert await problem_of(crm.directory.prepare(asked(people, from_address=alias))) == "sender-not-ours"
    inputs = await crm.directory.log_inputs(people.account_id, from_alias.message_id)
    assert not inputs.sender_is_ours


@pytest.mark.requirement("E4")
async def test_a_link_works_once_in_time_and_for_who_asked(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """For a colleague, a stranger and after a day it is the same as none."""
    alias, late = an_alias(), an_alias()
    who = people.who(people.rep)
    await crm.addresses.ask(who, alias)
    await delivered(crm)
    token = token_of(relay.link())
    for other in (people.admin, people.stranger):
        assert await problem_of(crm.addresses.linked(people.who(other), token)) == "link-spent"
        assert await problem_of(crm.addresses.confirm(people.who(other), token)) == "link-spent"
    await crm.addresses.again(who, (await row(crm, people, alias)).id)
    await delivered(crm)
    second = token_of(relay.link())
    outcomes = await asyncio.gather(
        *(crm.addresses.confirm(who, one) for one in (token, second, token)), return_exceptions=True
    )
    assert sum(isinstance(outcome, AddressRow) for outcome in outcomes) == 1
    for spent in (token, second, "nonsense"):
        assert await problem_of(crm.addresses.confirm(who, spent)) == "link-spent"
    await crm.addresses.ask(who, late)
    await delivered(crm)
    clock.ahead = timedelta(hours=24, seconds=1)
    assert await problem_of(crm.addresses.confirm(who, token_of(relay.link()))) == "link-spent"


@pytest.mark.requirement("E4")
async def test_no_secret_is_at_rest(
    crm: Collaborators, people: People, relay: MailRelay, database: Database
) -> None:
    """Neither while the letter waits, nor after."""
    await crm.addresses.ask(people.who(people.rep), an_alias())
    (waiting,) = await database.whole["letters"].find({}).to_list(None)
    assert not [value for value in waiting.values() if isinstance(value, str) and len(value) > 36]
    await delivered(crm)
    token = token_of(relay.link())
    for collection in ("letters", "address_links", "address_claims"):
        found = await database.whole[collection].find({}).to_list(None)
        assert token not in str(found), collection


@pytest.mark.requirement("E4")
async def test_an_address_is_one_user_s_and_only_its_reader_learns_that(
    crm: Collaborators, people: People, relay: MailRelay, database: Database
) -> None:
    """Asked for, it looks the same whoever has it: a colleague, a stranger, as sign-in name or alias, also
    one that was given before addresses were kept by themselves."""
    await database.whole["proven_addresses"].delete_one({"_id": people.admin.address})
    alias = an_alias()
    await crm.addresses.ask(people.who(people.rep), alias)
    await delivered(crm)
    await crm.addresses.confirm(people.who(people.rep), token_of(relay.link()))
    free = await crm.addresses.ask(people.who(people.admin), an_alias())
    await delivered(crm)
    for taken, user in (
        (alias, people.admin),
        (alias.upper(), people.stranger),
        (people.rep.address, people.stranger),
        (people.admin.address, people.stranger),
    ):
        told = await crm.addresses.ask(people.who(user), taken)
        assert told.model_dump(exclude={"id", "address"}) == free.model_dump(exclude={"id", "address"})
        await delivered(crm)
        confirmed = crm.addresses.confirm(people.who(user), token_of(relay.link()))
        assert await problem_of(confirmed) == "address-in-use"
        assert len((await crm.sign_ins.user(user.account_id, user.id)).addresses) == 1
    taken = crm.users.invite(people.who(people.stranger), "X", alias, Role.REP)
    assert await problem_of(taken) == "name-taken"
    await crm.users.see_off(people.who(people.admin), people.rep.id, people.admin.id)
    await crm.addresses.ask(people.who(people.admin), alias)
    await delivered(crm)
    done = await crm.addresses.confirm(people.who(people.admin), token_of(relay.link()))
    assert done.state.value == "proven", "who takes over takes the address too"


@pytest.mark.requirement("E4")
async def test_two_who_prove_one_address_at_once_do_not_both_have_it(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    alias, tokens = an_alias(), []
    for user in (people.rep, people.stranger):
        await crm.addresses.ask(people.who(user), alias)
        await delivered(crm)
        tokens.append(token_of(relay.link()))
    outcomes = await asyncio.gather(
        crm.addresses.confirm(people.who(people.rep), tokens[0]),
        crm.addresses.confirm(people.who(people.stranger), tokens[1]),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, AddressRow) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Problem) for outcome in outcomes) == 1


async def test_of_two_processes_one_sends_a_letter(
    crm: Collaborators, people: People, database: Database, clock: Clock, tmp_path: Path, relay: MailRelay
) -> None:
    other = collaborate(set_up(tmp_path, relay), database, clock)
    await crm.addresses.ask(people.who(people.rep), an_alias())
    taken = await asyncio.gather(*(post.take() for post in (crm.post, other.post) * 3))
    assert sum(outgoing is not None for outgoing in taken) == 1


@pytest.mark.requirement("E4")
async def test_a_relay_that_is_away_loses_nothing(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock, database: Database, tmp_path: Path
) -> None:
    """It is said why, tried again later and later, by whichever process is there; in the end it goes out."""
    alias = an_alias()
    await relay.stop()
    await crm.addresses.ask(people.who(people.rep), alias)
    assert await delivered(crm) == 1
    waiting = await row(crm, people, alias)
    assert (waiting.state.value, waiting.trouble) == ("queued", "unreachable")
    assert await delivered(crm) == 0, "not at once again"
    assert (await crm.post.oldest_age()) >= timedelta()
    clock.ahead = timedelta(seconds=11)
    assert await delivered(crm) == 1
    clock.ahead = timedelta(seconds=30)
    assert await delivered(crm) == 0, "the pause has grown"
    await relay.start()
    again = collaborate(set_up(tmp_path, relay), database, clock)  # another process, which nobody told
    clock.ahead = timedelta(minutes=5)
    assert await delivered(again) == 1
    assert (await row(crm, people, alias)).state.value == "mailed"
    assert (await crm.addresses.confirm(people.who(people.rep), token_of(relay.link()))).address == alias


async def test_a_crash_while_a_letter_is_sent_sends_it_again(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """Whether the first has gone out or not: either link is good."""
    alias = an_alias()
    await crm.addresses.ask(people.who(people.rep), alias)
    outgoing = await crm.post.take()
    assert outgoing is not None
    await Relay(crm.configuration.settings).send(outgoing, WRITER.write(outgoing))  # and the process is gone
    assert await delivered(crm) == 0, "another may still be at it"
    clock.ahead = timedelta(minutes=3)
    assert await delivered(crm) == 1
    first, second = (token_of(relay.link(at)) for at in (0, 1))
    assert first != second
    await crm.addresses.confirm(people.who(people.rep), first)
    assert await problem_of(crm.addresses.confirm(people.who(people.rep), second)) == "link-spent"


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"smtp_ca_file": None}, "not_secure"),
        ({"smtp_ca_file": Path("/nowhere")}, "not_secure"),
        ({"smtp_host": "localhost"}, "not_secure"),
        ({"smtp_user": "somebody"}, "sign_in"),
        ({"smtp_password_file": Path("/nowhere")}, "sign_in"),
        ({"smtp_security": "tls"}, "not_secure"),
        ({"smtp_security": "none", "smtp_user": ""}, "sign_in"),
    ],
)
async def test_nothing_is_sent_over_a_doubtful_connection(
    database: Database,
    clock: Clock,
    tmp_path: Path,
    relay: MailRelay,
    changes: dict[str, Any],
    trouble: str,
) -> None:
    """An unknown authority, another name, a wrong password; it waits, and the page says why."""
    crm = collaborate(set_up(tmp_path, relay, **changes), database, clock)
    people, alias = await make_people(crm), an_alias()
    await crm.addresses.ask(people.who(people.rep), alias)
    assert await delivered(crm) == 1
    waiting = await row(crm, people, alias)
    assert (waiting.state.value, waiting.trouble) == ("queued", trouble)
    assert relay.mails == []


async def test_a_relay_without_tls_gets_nothing(database: Database, clock: Clock, tmp_path: Path) -> None:
    async with mail_relay(tmp_path, tls=False) as plain:
        crm = collaborate(set_up(tmp_path, plain, smtp_user=""), database, clock)
        await database.whole["letters"].delete_many({})
        people, alias = await make_people(crm), an_alias()
        await crm.addresses.ask(people.who(people.rep), alias)
        assert await delivered(crm) == 1
        assert (await row(crm, people, alias)).trouble == "not_secure"
        assert plain.mails == []


async def test_an_address_that_the_relay_refuses_is_given_up(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """At once if it is for ever, after a day otherwise; another link may be asked for."""
    who, alias = people.who(people.rep), an_alias()
    relay.refusal = "451 4.7.1 greylisted"
    await crm.addresses.ask(who, alias)
    await delivered(crm)
    assert (await row(crm, people, alias)).trouble == "later"
    clock.ahead = timedelta(hours=24)
    await delivered(crm)
    given_up = await row(crm, people, alias)
    assert (given_up.state.value, given_up.trouble) == ("failed", "later")
    relay.refusal = "550 5.1.1 no such user"
    await crm.addresses.again(who, given_up.id)
    await delivered(crm)
    given_up = await row(crm, people, alias)
    assert (given_up.state.value, given_up.trouble) == ("failed", "refused")
    relay.refusal = None
    await crm.addresses.again(who, given_up.id)
    await delivered(crm)
    assert (await row(crm, people, alias)).state.value == "mailed"


@pytest.mark.requirement("E4")
async def test_how_many_links_are_mailed_is_bounded(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """Five an hour to one address, twenty of one user; others are not held up."""
    who, alias = people.who(people.rep), an_alias()
    for _ in range(5):
        await crm.addresses.ask(who, alias)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        refused = await http.post("/v1/me/addresses", json={"address": alias})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
        assert refused.json()["type"].endswith(":too-many-letters")
    for _ in range(15):
        await crm.addresses.ask(who, an_alias())
    assert await problem_of(crm.addresses.ask(who, an_alias())) == "too-many-letters"
    await crm.addresses.ask(people.who(people.admin), alias)
    clock.ahead = timedelta(hours=1, seconds=1)
    await crm.addresses.ask(who, alias)


@pytest.mark.parametrize(
    "typed",
    [
        "no address",
        "@own.example",
        "a@own.example\r\nBcc: b@own.example",
        "a@own.example,b@own.example",
        "a@own.example>",
        "a\x00@own.example",
        "a@localhost",
        f"{'a' * 65}@own.example",
        "ä@own.example",
        "a@own..example",
    ],
)
async def test_what_is_no_address_is_mailed_nothing(crm: Collaborators, people: People, typed: str) -> None:
    assert await problem_of(crm.addresses.ask(people.who(people.rep), typed)) == "invalid-request"
    assert await delivered(crm) == 0


async def test_the_mail_speaks_the_reader_s_language(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """Japanese domains too, in the form that mail knows."""
    who = people.who(people.rep)
    await crm.profiles.change(who, {"locale": "ja", "name": "<script>\r\nBcc: x@own.example"})
    tail = new_id().hex[-6:]
    row_ = await crm.addresses.ask(who, f"o'neil+x{tail}@日本.example")
    await delivered(crm)
    (mail,) = relay.mails
    assert mail["Subject"] == "Kaifu で使うアドレスの確認"
    assert row_.address == f"o'neil+x{tail}@xn--wgv71a.example"
    assert relay.readers == [row_.address]
    assert "サインイン" in relay.part("plain")
    assert '<html lang="ja">' in relay.part("html")
    assert "script" not in relay.part("html") + relay.part("plain")
    assert (mail["Auto-Submitted"], mail["Bcc"]) == ("auto-generated", None)


@pytest.mark.requirement("E4")
async def test_without_a_relay_it_is_said_and_nothing_waits(
    database: Database, clock: Clock, tmp_path: Path, people: People
) -> None:
    """Not by silence."""
    crm = collaborate(configuration(tmp_path), database, clock)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        refused = await http.post("/v1/me/addresses", json={"address": an_alias()})
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "mail-not-set-up")
        assert "KAIFU_CRM_SMTP_HOST" in refused.json()["detail"]
        told = (await http.get("/v1/me/addresses")).json()
    assert (told["mail_set_up"], [one["kind"] for one in told["addresses"]]) == (False, ["primary"])
    assert await database.whole["letters"].find_one({}) is None


@pytest.mark.requirement("E4")
async def test_an_address_is_taken_away_by_its_user_alone(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """While it waits too: its link and its letter end. The sign-in address stays."""
    alias, who = an_alias(), people.who(people.rep)
    row_ = await crm.addresses.ask(who, alias)
    await delivered(crm)
    token = token_of(relay.link())
    await crm.addresses.again(who, row_.id)
    for other in (people.admin, people.stranger):
        for call in (crm.addresses.remove, crm.addresses.again):
            assert await problem_of(call(people.who(other), row_.id)) == "not-found"
    await crm.addresses.remove(who, row_.id)
    assert await problem_of(crm.addresses.confirm(who, token)) == "link-spent"
    assert await delivered(crm) == 0
    primary = (await crm.addresses.all(who))[0]
    assert await problem_of(crm.addresses.remove(who, primary.id)) == "invalid-request"


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({}, "ok", "takes mail"),
        ({"smtp_port": 1}, "WRONG", "can't be reached"),
        ({"smtp_ca_file": None}, "WRONG", "no connection that is safe"),
        ({"smtp_user": "somebody"}, "WRONG", "does not let Kaifu sign in"),
        ({"smtp_host": ""}, "look", "no relay"),
    ],
)
async def test_the_doctor_signs_in_to_the_relay(
    monkeypatch: pytest.MonkeyPatch, relay: MailRelay, changes: dict[str, Any], state: str, words: str
) -> None:
    """And sends nothing."""
    for name, value in relay.settings(**changes).items():
        if value is not None:
            monkeypatch.setenv(f"KAIFU_CRM_{name}".upper(), str(value))
    monkeypatch.setenv("KAIFU_CRM_MONGODB_URL", "mongodb://127.0.0.1:9/")
    (found,) = [finding async for finding in checks() if finding.what == "mail"]
    assert (found.state.value, words in found.said) == (state, True)
    assert relay.mails == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_from": ""},
        {"smtp_password_file": None},
        {"smtp_security": "none"},
        {"smtp_security": "maybe"},
    ],
)
def test_settings_that_would_mail_nothing_or_in_the_open_are_refused(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """Before anything starts."""
    with pytest.raises(ValueError, match=r"(SMTP|smtp)"):
        CrmSettings(**MailRelay(tmp_path, 1).settings(**wrong))


@pytest.mark.requirement("E4", "A6")
async def test_an_invitation_holds_nobody_s_address_until_it_is_accepted(
    crm: Collaborators, people: People, relay: MailRelay
) -> None:
    """A stranger proves it meanwhile; then the invitation is accepted no more, until it is free again."""
    address, admin = an_alias(), people.who(people.admin)
    invited = await crm.users.invite(admin, "Mai", address, Role.REP)
    link, stranger = invited.token.get_secret_value(), people.who(people.stranger)
    await delivered(crm)
    row_ = await crm.addresses.ask(stranger, address)
    await delivered(crm)
    await crm.addresses.confirm(stranger, token_of(relay.link()))
    assert await problem_of(crm.users.choose_password(link, PASSWORD)) == "address-in-use"
    assert await problem_of(crm.users.invite(admin, "Mai", address.upper(), Role.REP)) == "name-taken"
    await crm.addresses.remove(stranger, row_.id)
    mai = await crm.users.choose_password(link, PASSWORD)
    assert (await crm.sign_ins.identify(address, PASSWORD, "203.0.113.9")).id == mai.id
    await crm.addresses.ask(stranger, address)
    await delivered(crm)
    token = token_of(relay.link())
    assert await problem_of(crm.addresses.confirm(stranger, token)) == "address-in-use"


@pytest.mark.requirement("E4")
async def test_a_link_that_is_over_is_said_to_be(
    crm: Collaborators, people: People, relay: MailRelay, clock: Clock
) -> None:
    """A day after it was mailed; another one is good again."""
    alias, who = an_alias(), people.who(people.rep)
    await crm.addresses.ask(who, alias)
    await delivered(crm)
    clock.ahead = timedelta(hours=23, minutes=59)
    assert (await row(crm, people, alias)).state.value == "mailed"
    clock.ahead = timedelta(hours=24, minutes=1)
    found = await row(crm, people, alias)
    assert found.state.value == "expired"
    assert await problem_of(crm.addresses.linked(who, token_of(relay.link()))) == "link-spent"
    await crm.addresses.again(who, found.id)
    await delivered(crm)
    assert (await row(crm, people, alias)).state.value == "mailed"
