"""Signing in and out on the page: faults said, nobody led elsewhere, no request forged."""

import re

import httpx
import pytest

from tests.unit.crm_web.fakes import APP, COOKIE, CSRF, PASSWORD, Browser, FakeCrm

WRONG = "does-not-match"


async def form_token(client: httpx.AsyncClient, path: str = "/sign-in") -> str:
    """The form's token; the client keeps the cookie that belongs to it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', (await client.get(path)).text)
    assert found is not None
    return found[1]


async def sign_in(client: httpx.AsyncClient, crm: FakeCrm, **fields: str) -> httpx.Response:
    data = {
        "csrf_token": await form_token(client),
        "address": crm.sign_ins.who.address,
        "password": PASSWORD,
        **fields,
    }
    return await client.post("/sign-in", data=data)


async def test_the_right_password_opens_a_session_and_leads_to_the_feed(
    browser: Browser, crm: FakeCrm
) -> None:
    async with browser(signed_in=False) as client:
        answer = await sign_in(client, crm)
    assert (answer.status_code, answer.headers["location"]) == (303, "/feed")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("kaifu_session="))
    assert cookie.startswith(f"kaifu_session={COOKIE};")
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=lax", "Secure", "Max-Age=43200", "Path=/"))


async def test_a_wrong_password_is_said_without_saying_which_part_is_wrong(
    browser: Browser, crm: FakeCrm
) -> None:
    async with browser(signed_in=False) as client:
        answer = await sign_in(client, crm, password=WRONG)
    assert answer.status_code == 401
    assert "That address and password do not match." in answer.text
    assert 'role="alert"' in answer.text
    assert f'value="{crm.sign_ins.who.address}"' in answer.text
    assert WRONG not in answer.text
    assert "kaifu_session" not in str(answer.headers)


@pytest.mark.requirement("B10")
async def test_a_fault_is_said_in_the_browsers_language(browser: Browser, crm: FakeCrm) -> None:
    async with browser(signed_in=False, language="ja,en;q=0.5") as client:
        answer = await sign_in(client, crm, password=WRONG)
    assert "メールアドレスまたはパスワードが正しくありません。" in answer.text


async def test_too_many_attempts_are_said_with_the_time_to_wait(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.refuse = True
    async with browser(signed_in=False) as client:
        answer = await sign_in(client, crm)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "Too many attempts" in answer.text


@pytest.mark.parametrize("token", ["", "another", None])
async def test_a_form_that_was_not_ours_is_refused(browser: Browser, crm: FakeCrm, token: str | None) -> None:
    async with browser(signed_in=False) as client:
        await form_token(client)
        data = {"address": crm.sign_ins.who.address, "password": PASSWORD}
        answer = await client.post("/sign-in", data=data if token is None else {**data, "csrf_token": token})
    assert answer.status_code == 403
    assert "kaifu_session" not in str(answer.headers)
    assert crm.sign_ins.clients == []


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_another_sites_form_is_refused_even_with_a_token(
    browser: Browser, crm: FakeCrm, headers: dict[str, str]
) -> None:
    async with browser(signed_in=False) as client:
        client.headers.update(headers)
        answer = await sign_in(client, crm)
    assert answer.status_code == 403
    assert crm.sign_ins.clients == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "feed",
        "/feed\r\nSet-Cookie: a=b",
        "/" + "x" * 5000,
        "",
    ],
)
async def test_signing_in_never_leads_to_another_place(
    browser: Browser, crm: FakeCrm, elsewhere: str
) -> None:
    async with browser(signed_in=False) as client:
        answer = await sign_in(client, crm, next=elsewhere)
    assert answer.headers["location"] == "/feed"
    async with browser() as client:
        answer = await client.get("/sign-in", params={"next": elsewhere})
    assert answer.headers["location"] == "/feed"


async def test_signing_in_leads_back_to_where_one_wanted_to_go(browser: Browser, crm: FakeCrm) -> None:
    async with browser(signed_in=False) as client:
        asked = await client.get("/contacts?q=a%26b")
        assert asked.headers["location"] == "/sign-in?next=%2Fcontacts%3Fq%3Da%2526b"
        shown = await client.get(asked.headers["location"])
        assert 'name="next" value="/contacts?q=a%26b"' in shown.text
        answer = await sign_in(client, crm, next="/contacts?q=a%26b")
    assert answer.headers["location"] == "/contacts?q=a%26b"


async def test_the_client_address_is_what_the_trusted_proxy_says(browser: Browser, crm: FakeCrm) -> None:
    async with browser(signed_in=False) as client:
        client.headers["X-Forwarded-For"] = "198.51.100.9, 203.0.113.5"
        await sign_in(client, crm)
    assert crm.sign_ins.clients == ["203.0.113.5"]


@pytest.mark.requirement("E3")
async def test_the_form_may_lead_on_to_an_oauth_client_and_to_no_other_origin(browser: Browser) -> None:
    """Browsers hold the redirects that follow a form to `form-action`."""
    extension = "https://" + "a" * 32 + ".chromiumapp.org"
    for redirect_uri, allowed in ((f"{extension}/done", True), ("https://evil.example/", False)):
        next_ = f"/oauth/authorize?redirect_uri={redirect_uri}"
        async with browser(signed_in=False) as client:
            policy = (await client.get("/sign-in", params={"next": next_})).headers["content-security-policy"]
        expected = f"form-action 'self' {extension}" if allowed else "form-action 'self'"
        assert expected in policy.split("; ")


async def test_signing_out_ends_the_session_and_forgets_the_cookie(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        answer = await client.post("/sign-out", data={"csrf_token": CSRF})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert len(crm.sign_ins.signed_out) == 1
    assert 'kaifu_session=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/sign-out", "/feed/test-notification"])
@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({}, {}),
        ({}, {"csrf_token": "another"}),
        ({"X-CSRF-Token": "another"}, {"csrf_token": CSRF}),
        ({"X-CSRF-Token": CSRF, "Origin": "https://evil.example"}, {}),
        ({"X-CSRF-Token": CSRF, "Sec-Fetch-Site": "same-site"}, {}),
    ],
)
async def test_a_forged_change_is_refused(
    browser: Browser, crm: FakeCrm, path: str, headers: dict[str, str], data: dict[str, str]
) -> None:
    async with browser() as client:
        answer = await client.post(path, headers=headers, data=data)
    assert answer.status_code == 403
    assert "Refused" in answer.text
    assert crm.sign_ins.signed_out == []
    assert crm.notifications.tested == []


@pytest.mark.requirement("T4")
async def test_the_test_button_raises_a_notification_for_the_visitor(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        headers = {"X-CSRF-Token": CSRF, "Origin": APP, "HX-Request": "true"}
        answer = await client.post("/feed/test-notification", headers=headers)
    assert answer.status_code == 202
    assert [who.user_id for who in crm.notifications.tested] == [crm.sign_ins.who.id]


async def test_a_user_who_may_no_longer_sign_in_is_led_to_the_form(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.disabled = True
    async with browser() as client:
        assert (await client.get("/feed")).headers["location"] == "/sign-in?next=%2Ffeed"
        assert (await client.get("/sign-in")).status_code == 200


async def test_a_part_of_a_page_says_that_the_session_is_over(browser: Browser) -> None:
    async with browser(signed_in=False) as client:
        answer = await client.get("/feed/rows", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")
