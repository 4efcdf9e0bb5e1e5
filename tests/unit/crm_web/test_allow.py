"""A client asks to sign in while somebody is signed in on the pages: said, asked, never silent."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.unit.crm_web.fakes import COOKIE, CSRF, PASSWORD, Browser, FakeCrm

pytestmark = pytest.mark.requirement("E3")
EXTENSION = "https://" + "a" * 32 + ".chromiumapp.org"
ASKED = f"/oauth/authorize?client_id=kaifu-extension&response_type=code&redirect_uri={EXTENSION}/sign-in"
HINT = "&login_hint=ann%2Bx%40own.example"


def allow(target: str) -> str:
    """The question's address."""
    return f"/allow?next={quote(target, safe='')}"


async def test_the_question_says_who_asks_as_whom_and_for_which_account(
    browser: Browser, crm: FakeCrm
) -> None:
    async with browser() as client:
        page = await client.get(allow(ASKED + HINT))
    assert page.status_code == 200
    assert "The Kaifu extension asks to sign in" in page.text
    assert f"Continue as {crm.sign_ins.who.name}" in page.text
    assert crm.sign_ins.who.address in page.text
    assert "ann+x@own.example" in page.text
    assert f"form-action 'self' {EXTENSION}" in page.headers["content-security-policy"].split("; ")
    assert crm.oauth.granted == []


async def test_a_program_is_called_a_program_and_a_hint_is_text(browser: Browser) -> None:
    target = ASKED.replace(f"{EXTENSION}/", "http://127.0.0.1:53682/") + "&login_hint=%3Cb%3Ex"
    async with browser() as client:
        page = await client.get(allow(target))
    assert "<b>x" not in page.text
    assert "&lt;b&gt;x" in page.text
    assert "A program on this computer asks to sign in" in page.text


async def test_yes_gives_the_client_its_code(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        answer = await client.post("/allow", data={"csrf_token": CSRF, "next": ASKED + HINT})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{EXTENSION}/sign-in?code=the-code")
    assert answer.headers["cache-control"] == "no-store"
    assert crm.oauth.granted == [crm.sign_ins.who.address]


@pytest.mark.parametrize("data", [{}, {"csrf_token": "another"}])
async def test_a_forged_yes_is_refused(browser: Browser, crm: FakeCrm, data: dict[str, str]) -> None:
    async with browser() as client:
        answer = await client.post("/allow", data={**data, "next": ASKED})
    assert answer.status_code == 403
    assert crm.oauth.granted == []


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("https://evil.example/", "/feed"),
        ("/contacts", "/contacts"),
        (ASKED.replace("kaifu-extension", "another"), ASKED.replace("kaifu-extension", "another")),
        (ASKED.replace("=code", "=token"), ASKED.replace("=code", "=token")),
    ],
)
async def test_what_no_good_client_asks_is_not_asked(
    browser: Browser, crm: FakeCrm, target: str, where: str
) -> None:
    async with browser() as client:
        assert (await client.get(allow(target))).headers["location"] == where
        answer = await client.post("/allow", data={"csrf_token": CSRF, "next": target})
    assert answer.headers["location"] == where
    assert crm.oauth.granted == []


async def test_nobody_signed_in_signs_in_first(browser: Browser, crm: FakeCrm) -> None:
    async with browser(signed_in=False) as client:
        assert (await client.get(allow(ASKED))).headers["location"].startswith("/sign-in?next=%2Fallow")
        assert (await client.post("/allow", data={"next": ASKED})).status_code == 401
    assert crm.oauth.granted == []


async def _sign_in(client: httpx.AsyncClient, crm: FakeCrm, path: str) -> httpx.Response:
    token = re.findall(r'name="csrf_token" value="([^"]+)"', (await client.get(path)).text)[-1]
    next_ = parse_qs(urlsplit(path).query)["next"][0]
    data = {"csrf_token": token, "address": crm.sign_ins.who.address, "password": PASSWORD, "next": next_}
    return await client.post("/sign-in", data=data)


async def test_another_account_signs_in_beside_the_one_of_the_pages(browser: Browser, crm: FakeCrm) -> None:
    """The hinted address stands in the form, and the browser keeps its session."""
    async with browser() as client:
        page = await client.get(allow(ASKED + HINT))
        other = re.search(r'href="(/sign-in[^"]+)"', page.text)
        assert other is not None
        path = other[1].replace("&amp;", "&")
        form = await client.get(path)
        assert 'value="ann+x@own.example"' in form.text
        assert "stays signed in" in form.text
        answer = await _sign_in(client, crm, path)
    assert answer.headers["location"] == f"{EXTENSION}/sign-in?code=the-code"
    assert "kaifu_session" not in str(answer.headers)
    assert crm.sign_ins.opened == 0


async def test_the_password_is_the_yes(browser: Browser, crm: FakeCrm) -> None:
    """Whoever has just typed it for this client is not asked again, and is signed in on the pages too."""
    path = f"/sign-in?next={quote(ASKED + HINT, safe='')}"
    async with browser(signed_in=False) as client:
        form = await client.get(path)
        assert 'value="ann+x@own.example"' in form.text
        assert "For the Kaifu extension." in form.text
        answer = await _sign_in(client, crm, path)
    assert answer.headers["location"] == f"{EXTENSION}/sign-in?code=the-code"
    assert f"kaifu_session={COOKIE};" in str(answer.headers)
