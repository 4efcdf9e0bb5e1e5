"""API tokens (A6): what they open, what they don't, and how they end; on a real database."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.crm.application.api_tokens import LONGEST_DAYS, MOST, PREFIX, REQUESTS_AT_ONCE
from services.crm.collaborators import Collaborators
from services.crm.rules.scopes import needed
from services.crm.store.database import Database
from shared.auth.scopes import Scope
from shared.auth.tokens import verify
from shared.events.ids import new_id
from shared.http.problems import Problem
from tests.integration.crm.people import Clock, People, as_user, asked, client

pytestmark = pytest.mark.requirement("A6")
PATH = "/v1/api-tokens"
DOCUMENT = json.loads((Path(__file__).parents[3] / "contracts" / "openapi" / "crm.json").read_text())
EVERY = [scope.value for scope in Scope]
# For people alone: what would let a token widen what it may, and what is a person's own.
PEOPLE_ONLY = {
    ("patch", "/v1/me"),
    ("get", "/v1/me/addresses"),
    ("post", "/v1/me/addresses"),
    ("post", "/v1/me/addresses/proofs"),
    ("post", "/v1/me/addresses/{id}/mail"),
    ("delete", "/v1/me/addresses/{id}"),
    ("post", "/v1/notifications/test"),
    ("get", "/v1/notifications/policy"),
    ("put", "/v1/notifications/policy"),
    ("put", "/v1/notifications/muted-mails/{message_id}"),
    ("delete", "/v1/notifications/muted-mails/{message_id}"),
    ("get", "/v1/notifications/muted-contacts"),
    ("put", "/v1/notifications/muted-contacts/{id}"),
    ("delete", "/v1/notifications/muted-contacts/{id}"),
    ("get", "/v1/users"),
    ("post", "/v1/users"),
    ("post", "/v1/users/{id}/password-link"),
    ("put", "/v1/users/{id}/role"),
    ("post", "/v1/users/{id}/leave"),
    ("get", PATH),
    ("post", PATH),
    ("delete", f"{PATH}/{{id}}"),
    ("put", "/v1/settings/retention"),  # it deletes for good
}


def routes() -> list[tuple[str, str]]:
    return [
        (method, path)
        for path, methods in DOCUMENT["paths"].items()
        if path.startswith("/v1/")
        for method in methods
    ]


async def made(crm: Collaborators, people: People, *scopes: str, **more: Any) -> dict[str, Any]:
    async with client(crm) as http:
        body = {"name": "Importer", "scopes": list(scopes or EVERY)} | more
        answer = await http.post(PATH, json=body, headers=as_user(crm, people, people.admin))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearing(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['secret']}"}


def problem_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_a_token_acts_as_its_maker_until_it_is_revoked(
    crm: Collaborators, people: People, clock: Clock, database: Database
) -> None:
    """Shown once, stored as a hash; its last use is noted; the audit log tells of both ends."""
    token = await made(crm, people, "records.read", days=30)
    assert token["secret"].startswith(PREFIX)
    assert token["token"]["hint"] == token["secret"][-4:]
    stored = await database.whole["api_tokens"].find({}).to_list(None)
    assert token["secret"] not in str(stored)
    async with client(crm) as http:
        found = await http.get(f"/v1/contacts/{people.hanako.id}", headers=bearing(token))
        assert (found.status_code, found.json()["name"]) == (200, "山田 花子")
        assert (await http.get("/v1/me", headers=bearing(token))).json()["user_id"] == str(people.admin.id)
        admin = as_user(crm, people, people.admin)
        (listed,) = (await http.get(PATH, headers=admin)).json()["tokens"]
        assert listed["last_used_at"] is not None
        assert "secret" not in listed
        assert (await http.delete(f"{PATH}/{listed['id']}", headers=admin)).status_code == 204
        refused = await http.get("/v1/contacts", headers=bearing(token))
        assert problem_of(refused) == (401, "not-signed-in")
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert (await http.delete(f"{PATH}/{listed['id']}", headers=admin)).status_code == 404
    entries = await crm.stores.audit.newest(people.account_id, 5)
    assert [entry.action for entry in entries] == ["api_token.revoked", "api_token.made"]
    assert entries[1].after == {"token": "Importer", "scopes": "records.read", "days": 30}
    assert token["secret"] not in str(entries)


async def test_no_mail_is_prepared_with_a_token_that_was_revoked(crm: Collaborators, people: People) -> None:
    """Nor asked for again; another account's token is none."""
    token = await made(crm, people, "mail.write")
    question = asked(people, api_token_id=UUID(token["token"]["id"]))
    assert (await crm.directory.prepare(question)).tracked is True
    theirs = await crm.api_tokens.make(people.who(people.stranger), "X", [Scope.MAIL_WRITE], 1)
    await crm.api_tokens.revoke(people.who(people.admin), UUID(token["token"]["id"]))
    for refused in (question, asked(people, api_token_id=theirs.token.id)):
        with pytest.raises(Problem) as problem:
            await crm.directory.prepare(refused)
        assert problem.value.problem.name == "not-signed-in"
    assert (await crm.directory.prepare(asked(people))).tracked is True, "a person's mail asks nothing of it"


async def test_the_audit_log_names_the_token_that_made_a_change(crm: Collaborators, people: People) -> None:
    """By its name also when it is gone; a change on the pages names none."""
    token = await made(crm, people, "settings.write", "records.write")
    access = await crm.api_tokens.access(token["secret"])
    async with client(crm) as http:
        path, headers = "/v1/settings/never-log", bearing(token)
        assert (await http.post(path, json={"entries": ["a.example"]}, headers=headers)).status_code == 200
        headers = {"Authorization": f"Bearer {access.access_token}"}
        assert (await http.post(path, json={"entries": ["b.example"]}, headers=headers)).status_code == 200
        ticket = (await http.post("/v1/tickets", json={"name": "T"}, headers=bearing(token))).json()["id"]
        assert (await http.delete(f"/v1/tickets/{ticket}", headers=bearing(token))).status_code == 204
        admin = as_user(crm, people, people.admin)
        assert (await http.delete(f"{PATH}/{token['token']['id']}", headers=admin)).status_code == 204
        entries = (await http.get("/v1/settings/audit", headers=admin)).json()["items"]
    named = [(one["action"], one["token_name"], one["user_id"]) for one in entries]
    own = str(people.admin.id)
    assert named == [
        ("api_token.revoked", None, own),
        ("ticket.deleted", "Importer", own),
        ("never_log.added", "Importer", own),
        ("never_log.added", "Importer", own),
        ("api_token.made", None, own),
    ]
    assert {one["token_id"] for one in entries} == {None, token["token"]["id"]}


async def test_no_route_opens_without_its_scope(crm: Collaborators, people: People) -> None:
    """Every route of the API: with all other scopes it is refused, and what is for people with every one."""
    assert len(routes()) > 45
    tokens = {scope: await made(crm, people, *(set(EVERY) - {scope})) for scope in EVERY}
    whole = await made(crm, people)
    seen_for_people = set()
    async with client(crm) as http:
        for method, path in routes():
            url = path.replace("{index}", "0")
            for name in ("{id}", "{message_id}"):
                url = url.replace(name, str(new_id()))
            wanted = needed(method.upper(), url)
            if not wanted:
                seen_for_people.add((method, path))
                answer = await http.request(method, url, json={}, headers=bearing(whole))
                assert problem_of(answer) == (403, "scope-missing"), (method, path)
                continue
            if len(wanted) == 1:
                (scope,) = wanted
                answer = await http.request(method, url, json={}, headers=bearing(tokens[scope.value]))
                assert problem_of(answer) == (403, "scope-missing"), (method, path)
                asked_for = f'error="insufficient_scope", scope="{scope.value}"'
                assert asked_for in answer.headers["www-authenticate"]
            enough = await http.request(method, url, json={}, headers=bearing(whole))
            assert enough.status_code != 401, (method, path)
            assert enough.status_code != 403 or problem_of(enough)[1] != "scope-missing", (method, path)
    assert seen_for_people == PEOPLE_ONLY


async def test_a_token_ends_with_its_time_and_with_its_maker(
    crm: Collaborators, people: People, clock: Clock
) -> None:
    short, long = await made(crm, people, days=1), await made(crm, people, days=LONGEST_DAYS)
    async with client(crm) as http:
        clock.ahead = timedelta(days=1, seconds=1)
        assert (await http.get("/v1/contacts", headers=bearing(short))).status_code == 401
        assert (await http.get("/v1/contacts", headers=bearing(long))).status_code == 200
        await crm.sign_ins.disable(people.account_id, people.admin.id)
        assert (await http.get("/v1/contacts", headers=bearing(long))).status_code == 401


async def test_a_token_has_the_role_that_its_maker_has_now(crm: Collaborators, people: People) -> None:
    token = await made(crm, people)
    async with client(crm) as http:
        assert (await http.get("/v1/settings/email", headers=bearing(token))).status_code == 200
        await crm.users.set_role(people.who(people.admin), people.rep.id, people.admin.role)
        await crm.users.set_role(people.who(people.admin), people.admin.id, people.rep.role)
        refused = await http.get("/v1/settings/email", headers=bearing(token))
        assert problem_of(refused) == (403, "forbidden")
    assert (await crm.api_tokens.verify(token["secret"])).role is people.rep.role


async def test_an_access_token_for_it_has_its_scopes_and_ends_with_it(
    crm: Collaborators, people: People
) -> None:
    """For the send API, which asks nobody: OAuth's client credentials."""
    token = await made(crm, people, "mail.write", "records.read")
    async with client(crm) as http:
        asked = {"grant_type": "client_credentials", "client_secret": token["secret"]}
        answer = await http.post("/oauth/token", data=asked)
        assert answer.status_code == 200, answer.text
        got = answer.json()
        assert (got["scope"], got["expires_in"] <= 600, "refresh_token" in got) == (
            "mail.write records.read",
            True,
            False,
        )
        configuration = crm.configuration
        who = verify(configuration.signing_keys, configuration.addresses.app_url, got["access_token"])
        assert (who.user_id, who.scopes) == (people.admin.id, {"mail.write", "records.read"})
        header = {"Authorization": f"Bearer {got['access_token']}"}
        assert (await http.get("/v1/contacts", headers=header)).status_code == 200
        assert problem_of(await http.get("/v1/feed", headers=header)) == (403, "scope-missing")
        await crm.api_tokens.revoke(people.who(people.admin), who.sign_in_id)
        assert (await http.get("/v1/contacts", headers=header)).status_code == 401
        over = await http.post("/oauth/token", data=asked)
        assert (over.status_code, over.json()["error"]) == (400, "invalid_client")


async def access_for(http: httpx.AsyncClient, token: dict[str, Any]) -> dict[str, str]:
    asked = {"grant_type": "client_credentials", "client_secret": token["secret"]}
    return {"Authorization": f"Bearer {(await http.post('/oauth/token', data=asked)).json()['access_token']}"}


@pytest.mark.parametrize("change", ["leaves", "is demoted"])
async def test_an_access_token_for_it_ends_with_its_maker(
    change: str, crm: Collaborators, people: People
) -> None:
    """At once here, not when it is over."""
    async with client(crm) as http:
        header = await access_for(http, await made(crm, people))
        assert (await http.get("/v1/contacts", headers=header)).status_code == 200
        if change == "leaves":
            await crm.sign_ins.disable(people.account_id, people.admin.id)
        else:
            await crm.users.set_role(people.who(people.admin), people.rep.id, people.admin.role)
            await crm.users.set_role(people.who(people.admin), people.admin.id, people.rep.role)
        assert (await http.get("/v1/contacts", headers=header)).status_code == 401


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For shares, which a slow machine would fill again as fast as it asks."""
    monkeypatch.setattr("services.crm.application.api_tokens.time", SimpleNamespace(monotonic=lambda: 1.0))


@pytest.mark.usefixtures("_no_time_passes")
async def test_access_tokens_for_it_share_its_share(crm: Collaborators, people: People) -> None:
    async with client(crm) as http:
        header = await access_for(http, await made(crm, people))
        answers = [await http.get("/v1/me", headers=header) for _ in range(REQUESTS_AT_ONCE)]
        codes = [answer.status_code for answer in answers]
        assert codes.index(429) == REQUESTS_AT_ONCE - 1, "to ask for it was one"


@pytest.mark.usefixtures("_no_time_passes")
async def test_a_token_asks_for_no_more_than_its_share(crm: Collaborators, people: People) -> None:
    """Another is not held up."""
    greedy, other = await made(crm, people), await made(crm, people)
    async with client(crm) as http:
        answers = [await http.get("/v1/me", headers=bearing(greedy)) for _ in range(REQUESTS_AT_ONCE + 1)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused == answers[-1:]
        assert refused[0].headers["retry-after"] == "1"
        assert (await http.get("/v1/me", headers=bearing(other))).status_code == 200


async def test_who_may_make_tokens_and_how_many(crm: Collaborators, people: People) -> None:
    """Super admins, of their own account, with an end within a year."""
    token = await made(crm, people)
    good = {"name": "x", "scopes": ["mail.read"]}
    async with client(crm) as http:
        for method, path, body in (
            ("GET", PATH, None),
            ("POST", PATH, good),
            ("DELETE", f"{PATH}/{token['token']['id']}", None),
        ):
            rep = await http.request(method, path, json=body, headers=as_user(crm, people, people.rep))
            assert rep.status_code == 403, path
        stranger = as_user(crm, people, people.stranger)
        assert (await http.get(PATH, headers=stranger)).json()["tokens"] == []
        gone = await http.delete(f"{PATH}/{token['token']['id']}", headers=stranger)
        assert gone.status_code == 404
        admin = as_user(crm, people, people.admin)
        for wrong in ({"scopes": []}, {"scopes": ["users.write"]}, {"days": LONGEST_DAYS + 1}, {"days": 0}):
            assert (await http.post(PATH, json=good | wrong, headers=admin)).status_code == 422, wrong
        assert (await http.get("/v1/me", headers={"Authorization": f"Bearer {PREFIX}x"})).status_code == 401
    for _ in range(MOST - 1):
        await crm.api_tokens.make(people.who(people.admin), "x", [Scope.MAIL_READ], 1)
    with pytest.raises(Problem):
        await crm.api_tokens.make(people.who(people.admin), "x", [Scope.MAIL_READ], 1)
