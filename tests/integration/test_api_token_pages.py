"""A super admin makes an API token in real Chromium; what it opens at each service, and that it ends."""

import asyncio

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from websockets.asyncio.client import connect

from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in_to, watched
from tests.integration.pictures import Camera

pytestmark = [pytest.mark.integration, pytest.mark.requirement("A6")]
ENGLISH = 1  # the demo account's second super admin; the first is Japanese


async def open_tokens(page: Page, stack: Stack, who: Person) -> None:
    await sign_in_to(page, stack.addresses["app_url"], who, "/settings/api-tokens")


async def make(page: Page, name: str, *scopes: str) -> str:
    """Through the form; the secret."""
    await page.fill("#token-name", name)
    for scope in scopes:
        await page.check(f"input[value='{scope}']")
    await page.get_by_role("button", name="Make it").click()
    secret = page.get_by_role("status").locator("input")
    await expect(page.get_by_role("status")).to_contain_text(name)
    return await secret.input_value()


async def access(http: httpx.AsyncClient, secret: str) -> httpx.Response:
    asked = {"grant_type": "client_credentials", "client_secret": secret}
    return await http.post("/oauth/token", data=asked)


async def test_a_token_opens_what_its_scopes_say_at_every_service(stack: Stack, browser: Browser) -> None:
    """crm takes it as it is, the send API an access token for it, the push socket neither; revoked on the
    page, it opens nothing from then on."""
    who = people(stack.sign_ins, Role.SUPER_ADMIN)[ENGLISH]
    async with (
        watched(browser, locale="en") as (context, complaints),
        httpx.AsyncClient(base_url=stack.addresses["app_url"]) as http,
    ):
        page = await context.new_page()
        await open_tokens(page, stack, who)
        await page.evaluate("window.notReloaded = true")
        sending = await make(page, "Sequences", "mail.write")
        reading = await make(page, "Report", "mail.read", "records.read")
        assert sending != reading

        async def status(path: str, secret: str) -> int:
            return (await http.get(path, headers={"Authorization": f"Bearer {secret}"})).status_code

        assert (await status("/v1/feed", reading), await status("/v1/feed", sending)) == (200, 403)
        mail = {
            "from": {"address": who.address},
            "to": [{"address": "zoe@northwind.example"}],
            "subject": "By a program",
            "source": "sequence",
            "track": True,
            "log": False,
        }
        url = stack.addresses["api_url"] + "/v1/messages"
        for secret, expected in ((sending, 201), (reading, 403)):
            token = (await access(http, secret)).json()["access_token"]
            header = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{expected}-{token[-12:]}"}
            answer = await http.post(url, json=mail, headers=header)
            assert answer.status_code == expected, answer.text
            raw = await http.post(url, json=mail, headers={"Authorization": f"Bearer {secret}"})
            assert raw.status_code == 401, "only crm knows API tokens themselves"
            async with connect(stack.addresses["push_url"] + "/v1/stream") as socket:
                await socket.send(f'{{"type": "authenticate", "access_token": "{token}"}}')
                await asyncio.wait_for(socket.wait_closed(), 5)
                assert socket.close_code == 4401

        row = page.locator("#api-tokens li", has_text="Report")
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Revoke Report").click()
        await expect(row).to_have_count(0)
        assert await status("/v1/feed", reading) == 401
        assert (await access(http, reading)).status_code == 400
        await expect(page.locator("#api-tokens li", has_text="Sequences")).to_contain_text("last used")
        assert await page.evaluate("window.notReloaded") is True
        token = (await access(http, sending)).json()["access_token"]
        header = {"Authorization": f"Bearer {token}", "Idempotency-Key": token[-12:]}
        assert (await http.post(url, json=mail, headers=header)).status_code == 201
        await page.get_by_role("button", name="Revoke Sequences").click()
        await expect(page.locator("#api-tokens .empty")).to_be_visible()
        for key in (token[-12:], "another"):
            header["Idempotency-Key"] = key
            refused = await http.post(url, json=mail, headers=header)
            assert (refused.status_code, refused.json()["type"]) == (401, "urn:kaifu:problem:not-signed-in")
        assert complaints == []
    for log in stack.home.logs.iterdir():
        text = log.read_text()
        assert not any(secret in text for secret in (sending, reading)), log.name


@pytest.mark.requirement("B10")
async def test_pictures_of_api_tokens(stack: Stack, browser: Browser) -> None:
    """In both languages, themes and widths; none scrolls sideways."""
    admins = dict(zip(("ja", "en"), people(stack.sign_ins, Role.SUPER_ADMIN), strict=True))
    for language in ("en", "ja"):
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            await open_tokens(page, stack, admins[language])
            await page.fill("#token-name", "Warehouse import")
            for scope in ("records.read", "records.write", "mail.read"):
                await page.check(f"input[value='{scope}']")
            await page.click("#api-tokens button.primary")
            await page.locator(".link-made").wait_for()
            await Camera(page, stack.addresses["app_url"], language).take("api-tokens")
            page.on("dialog", lambda dialog: dialog.accept())
            await page.locator("#api-tokens li button").first.click()
            await page.locator(".empty").wait_for()
            assert complaints == []
