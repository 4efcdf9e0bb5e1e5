"""Signing in, and attacks on it."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from services.crm.api.dependencies import COOKIE, CSRF_HEADER
from services.crm.application.sign_ins import FAILURE_WINDOW, MAX_FAILURES, SESSION_LIFETIME
from services.crm.collaborators import Collaborators
from services.crm.model.sign_ins import AuthorizationRequest, NewSession
from services.crm.rules.oauth import Asked
from shared.auth.tokens import verify
from shared.events.notifications import SignInRevoked
from shared.http.problems import Problem
from tests.integration.crm.people import PASSWORD, Clock, People, client, pkce, written

REDIRECT = "http://127.0.0.1:53682/callback"


async def _told(crm: Collaborators, people: People) -> list[UUID | None]:
    events = await written(crm, people.account_id)
    return [event.sign_in_id for event in events if isinstance(event, SignInRevoked)]


async def _session(crm: Collaborators, people: People) -> NewSession:
    return await crm.sign_ins.sign_in(people.rep.address.upper(), PASSWORD, "127.0.0.1")


async def test_a_session_is_good_until_it_is_over(crm: Collaborators, people: People, clock: Clock) -> None:
    """Its cookie opens it, nothing else does."""
    new = await _session(crm, people)
    cookie = new.cookie.get_secret_value()
    assert await crm.sign_ins.session(cookie) == new.session
    assert await crm.sign_ins.session(cookie[:-1]) is None
    assert await crm.sign_ins.session(None) is None
    clock.ahead = SESSION_LIFETIME
    assert await crm.sign_ins.session(cookie) is None


async def test_signing_out_ends_the_session_and_its_sockets(crm: Collaborators, people: People) -> None:
    """The notifier is told once, however often it is asked."""
    new = await _session(crm, people)
    await crm.sign_ins.sign_out(new.session)
    await crm.sign_ins.sign_out(new.session)
    assert await crm.sign_ins.session(new.cookie.get_secret_value()) is None
    assert await _told(crm, people) == [new.session.id]


@pytest.mark.parametrize("address", ["rep", "nobody"])
async def test_failures_are_limited_per_name_and_place(
    crm: Collaborators, people: People, clock: Clock, address: str
) -> None:
    """Also all at once, also for a name that does not exist; elsewhere the right password works."""
    name = people.rep.address if address == "rep" else f"no-{people.rep.address}"

    async def attempt() -> str:
        with pytest.raises(Problem) as refused:
            await crm.sign_ins.sign_in(name, "wrong", "203.0.113.1")
        return refused.value.problem.name

    outcomes = await asyncio.gather(*(attempt() for _ in range(MAX_FAILURES + 3)))
    assert sorted(outcomes) == ["too-many-attempts"] * 3 + ["wrong-password"] * MAX_FAILURES
    if address == "rep":
        with pytest.raises(Problem):
            await crm.sign_ins.sign_in(name, PASSWORD, "203.0.113.1")
        await crm.sign_ins.sign_in(name, PASSWORD, "203.0.113.2")
    clock.ahead = FAILURE_WINDOW
    assert await attempt() == "wrong-password"


async def test_a_disabled_user_is_out(crm: Collaborators, people: People) -> None:
    """Sessions, refresh families and passwords, at once; other users stay."""
    new = await _session(crm, people)
    async with client(crm) as http:
        pair = await _signed_in(crm, people, http)
        assert await crm.sign_ins.disable(people.account_id, people.rep.id)
        assert await crm.sign_ins.session(new.cookie.get_secret_value()) is None
        assert (await _refresh(http, pair["refresh_token"])).json()["error"] == "invalid_grant"
    with pytest.raises(Problem) as refused:
        await _session(crm, people)
    assert refused.value.problem.name == "wrong-password"
    assert await _told(crm, people) == [None]
    await crm.sign_ins.sign_in(people.admin.address, PASSWORD, "127.0.0.1")


async def test_a_new_password_ends_the_old_sign_ins(crm: Collaborators, people: People) -> None:
    """And the old password."""
    new = await _session(crm, people)
    credentials = await crm.accounts.credentials(people.rep.address)
    assert credentials is not None
    await crm.sign_ins.set_password(credentials, "another one")
    assert await crm.sign_ins.session(new.cookie.get_secret_value()) is None
    with pytest.raises(Problem):
        await _session(crm, people)
    await crm.sign_ins.sign_in(people.rep.address, "another one", "127.0.0.1")


async def test_a_page_gets_an_access_token_with_its_csrf_token_only(
    crm: Collaborators, people: People
) -> None:
    """The cookie alone, which another site's request carries too, is not enough."""
    new = await _session(crm, people)
    async with client(crm) as http:
        http.cookies.set(COOKIE, new.cookie.get_secret_value())
        url = "/session/access-token"
        assert (await http.post(url)).status_code == 403
        assert (await http.post(url, headers={CSRF_HEADER: "x"})).status_code == 403
        answer = await http.post(url, headers={CSRF_HEADER: new.session.csrf_token})
        assert answer.headers["cache-control"] == "no-store"
        http.cookies.clear()
        assert (await http.post(url, headers={CSRF_HEADER: new.session.csrf_token})).status_code == 401
    configuration = crm.configuration
    who = verify(configuration.signing_keys, configuration.addresses.app_url, answer.json()["access_token"])
    assert (who.user_id, who.sign_in_id) == (people.rep.id, new.session.id)


async def _code(crm: Collaborators, people: People, challenge: str) -> str:
    request = AuthorizationRequest(
        client_id="kaifu-extension", redirect_uri=REDIRECT, code_challenge=challenge, state="s t"
    )
    asked = Asked(request, "code", "S256")
    crm.oauth.check(asked)
    given = parse_qs(urlsplit(await crm.oauth.grant(people.rep, asked)).query)
    assert given["state"] == ["s t"]
    return given["code"][0]


async def _exchange(http: httpx.AsyncClient, code: str, verifier: str, **more: str) -> httpx.Response:
    fields = {
        "grant_type": "authorization_code",
        "client_id": "kaifu-extension",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": verifier,
    }
    return await http.post("/oauth/token", data=fields | more)


async def _refresh(http: httpx.AsyncClient, token: str, client_id: str = "kaifu-extension") -> httpx.Response:
    fields = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
    return await http.post("/oauth/token", data=fields)


async def _signed_in(crm: Collaborators, people: People, http: httpx.AsyncClient) -> dict[str, Any]:
    verifier, challenge = pkce()
    answer = await _exchange(http, await _code(crm, people, challenge), verifier)
    assert answer.status_code == 200
    pair: dict[str, Any] = answer.json()
    return pair


@pytest.mark.requirement("E3")
async def test_a_code_gives_tokens_that_others_can_verify(crm: Collaborators, people: People) -> None:
    """Against the published keys, from an answer that nobody caches."""
    async with client(crm) as http:
        pair = await _signed_in(crm, people, http)
        me = await http.get("/v1/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
        keys = (await http.get("/.well-known/jwks.json")).json()
    assert me.json()["address"] == people.rep.address
    assert [set(key) & {"d"} for key in keys["keys"]] == [set()]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": "short"},
        {"redirect_uri": "http://127.0.0.1:1/other"},
        {"client_id": "another"},
    ],
)
async def test_a_stolen_code_is_of_no_use(crm: Collaborators, people: People, wrong: dict[str, str]) -> None:
    """Without the verifier, or elsewhere; and the attempt spends it."""
    verifier, challenge = pkce()
    code = await _code(crm, people, challenge)
    async with client(crm) as http:
        assert (await _exchange(http, code, verifier, **wrong)).json()["error"] == "invalid_grant"
        assert (await _exchange(http, code, verifier)).json()["error"] == "invalid_grant"


async def test_a_code_used_twice_ends_its_sign_in(crm: Collaborators, people: People) -> None:
    """One of the two was a thief: neither keeps it."""
    verifier, challenge = pkce()
    code = await _code(crm, people, challenge)
    async with client(crm) as http:
        pair = (await _exchange(http, code, verifier)).json()
        assert (await _exchange(http, code, verifier)).json()["error"] == "invalid_grant"
        assert (await _refresh(http, pair["refresh_token"])).json()["error"] == "invalid_grant"
    assert len(await _told(crm, people)) == 1


async def test_of_many_who_exchange_a_code_at_once_nobody_stays(crm: Collaborators, people: People) -> None:
    """Whatever the order inside, no sign-in survives."""
    verifier, challenge = pkce()
    code = await _code(crm, people, challenge)
    async with client(crm) as http:
        answers = await asyncio.gather(*(_exchange(http, code, verifier) for _ in range(4)))
        good = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(good) <= 1
        for pair in good:
            assert (await _refresh(http, pair["refresh_token"])).status_code == 400


async def test_a_code_lasts_a_minute(crm: Collaborators, people: People, clock: Clock) -> None:
    """Then it is over."""
    verifier, challenge = pkce()
    code = await _code(crm, people, challenge)
    clock.ahead = timedelta(seconds=60)
    async with client(crm) as http:
        assert (await _exchange(http, code, verifier)).json()["error"] == "invalid_grant"


async def test_refreshing_rotates_and_a_spent_token_ends_the_sign_in(
    crm: Collaborators, people: People
) -> None:
    """The thief's and the owner's."""
    async with client(crm) as http:
        first = (await _signed_in(crm, people, http))["refresh_token"]
        second = (await _refresh(http, first)).json()["refresh_token"]
        third = (await _refresh(http, second)).json()["refresh_token"]
        assert len({first, second, third}) == 3
        assert (await _refresh(http, first)).status_code == 400
        assert (await _refresh(http, third)).status_code == 400
    assert len(await _told(crm, people)) == 1


async def test_of_two_who_refresh_at_once_one_wins(crm: Collaborators, people: People) -> None:
    """And then it is over for both: one of them is a thief."""
    async with client(crm) as http:
        token = (await _signed_in(crm, people, http))["refresh_token"]
        answers = await asyncio.gather(*(_refresh(http, token) for _ in range(3)))
        good = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
        assert len(good) == 1
        assert (await _refresh(http, good[0])).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "." * 40, "0" * 32 + ".x", "z" * 32 + ".x"])
async def test_forged_refresh_tokens_end_nobody_s_sign_in(
    crm: Collaborators, people: People, token: str
) -> None:
    """Nor does a token of the right family with a wrong secret, or of another client."""
    async with client(crm) as http:
        own = (await _signed_in(crm, people, http))["refresh_token"]
        for forged in (token, own.split(".")[0] + ".x"):
            assert (await _refresh(http, forged)).json()["error"] == "invalid_grant"
            await http.post("/oauth/revoke", data={"token": forged})
        assert (await _refresh(http, own, client_id="another")).json()["error"] == "invalid_grant"
        assert (await _refresh(http, own)).status_code == 200
    assert await _told(crm, people) == []


async def test_revoking_ends_the_sign_in(crm: Collaborators, people: People) -> None:
    """RFC 7009: 200 for anything; sockets close."""
    async with client(crm) as http:
        own = (await _signed_in(crm, people, http))["refresh_token"]
        assert (await http.post("/oauth/revoke", data={"token": own})).status_code == 200
        assert (await http.post("/oauth/revoke", data={"token": own})).status_code == 200
        assert (await _refresh(http, own)).status_code == 400
    assert await _told(crm, people) == [UUID(own.split(".")[0])]


@pytest.mark.parametrize(
    ("given", "status", "where"),
    [
        ({"redirect_uri": "https://evil.example/"}, 400, ""),
        ({"client_id": "another"}, 400, ""),
        ({"code_challenge_method": "plain"}, 303, REDIRECT + "?error=invalid_request"),
        ({"prompt": "none"}, 303, REDIRECT + "?error=invalid_request"),
        ({"response_type": "token"}, 303, REDIRECT + "?error=unsupported_response_type"),
        ({}, 303, "/sign-in?next=%2Foauth%2Fauthorize%3F"),
    ],
)
async def test_authorizing_never_redirects_to_strangers(
    crm: Collaborators, given: dict[str, str], status: int, where: str
) -> None:
    """A foreign address gets a problem, a known client its error, a person the sign-in page."""
    asked = {
        "client_id": "kaifu-extension",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "code_challenge": pkce()[1],
        "code_challenge_method": "S256",
    }
    async with client(crm) as http:
        answer = await http.get("/oauth/authorize", params=asked | given)
    assert answer.status_code == status
    assert answer.headers.get("location", "").startswith(where)
    assert "evil" not in answer.headers.get("location", "")


async def _authorize(http: httpx.AsyncClient, **more: str) -> str:
    """Where the browser is led."""
    asked = {
        "client_id": "kaifu-extension",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "code_challenge": pkce()[1],
        "code_challenge_method": "S256",
    }
    return str((await http.get("/oauth/authorize", params=asked | more)).headers["location"])


@pytest.mark.requirement("E3")
async def test_whoever_is_signed_in_is_asked_before_a_client_signs_in(
    crm: Collaborators, people: People
) -> None:
    """Once for a client; always for another's mail account."""
    new = await _session(crm, people)
    async with client(crm) as http:
        http.cookies.set(COOKIE, new.cookie.get_secret_value())
        assert (await _authorize(http)).startswith("/allow?next=%2Foauth%2Fauthorize")
        assert (await _authorize(http, login_hint=people.admin.address)).startswith("/allow?next=")
        assert (await _authorize(http, login_hint=people.rep.address)).startswith("/allow?next=")
        await _code(crm, people, pkce()[1])  # granted by now
        assert (await _authorize(http, login_hint=people.rep.address.upper())).startswith(f"{REDIRECT}?code=")
        assert (await _authorize(http)).startswith(f"{REDIRECT}?code=")
        elsewhere = "http://127.0.0.1:53683/callback"
        assert (await _authorize(http, redirect_uri=elsewhere)).startswith("/allow?next=")
        assert (await _authorize(http, login_hint=people.admin.address)).startswith("/allow?next=")
        assert (await _authorize(http, prompt="login")).startswith("/sign-in?next=")


async def test_a_new_password_takes_back_what_was_allowed(crm: Collaborators, people: People) -> None:
    """As it ends all sign-ins."""
    await _code(crm, people, pkce()[1])
    credentials = await crm.accounts.credentials(people.rep.address)
    assert credentials is not None
    await crm.sign_ins.set_password(credentials, PASSWORD)
    new = await _session(crm, people)
    async with client(crm) as http:
        http.cookies.set(COOKIE, new.cookie.get_secret_value())
        assert (await _authorize(http)).startswith("/allow?next=")
