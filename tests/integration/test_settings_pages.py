"""A super admin changes the account's settings in real Chromium, and mail follows at once."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in_to, watched
from tests.integration.client import signed_in
from tests.integration.pictures import Camera

pytestmark = pytest.mark.integration
ENGLISH = 1  # the demo account's second super admin; the first is Japanese
ZOE = "zoe@northwind.example"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(stack: Stack) -> AsyncIterator[Rep]:
    """A super admin by API; what the test has changed is put back."""
    async with signed_in(stack.addresses, stack.sign_ins, Role.SUPER_ADMIN) as admin:
        before = await admin.get("/v1/settings/email")
        yield admin
        headers = {"Authorization": f"Bearer {admin.token}"}
        async with httpx.AsyncClient(base_url=admin.app_url, headers=headers) as http:
            for entry in (await admin.get("/v1/settings/never-log"))["entries"]:
                await http.delete(f"/v1/settings/never-log/{entry['id']}")
            assert (await http.put("/v1/settings/email", json=before)).json() == before


async def open_settings(page: Page, stack: Stack, who: Person) -> None:
    await sign_in_to(page, stack.addresses["app_url"], who, "/settings/email")


async def logged_mail(rep: Rep, subject: str) -> Json:
    """A mail to Zoë that stands on her timeline."""
    zoe = (await rep.get("/v1/contacts", q=ZOE))["items"][0]
    records = [{"record_type": "contact", "record_id": zoe["id"]}]
    prepared = await rep.prepare([{"address": ZOE}], [], subject=subject, log=True, records=records)
    await rep.confirm_sent(prepared)

    async def stands() -> bool | None:
        rows = (await rep.get(f"/v1/contacts/{zoe['id']}/timeline", type="email"))["items"]
        return True if any(row["message_id"] == prepared["message_id"] for row in rows) else None

    await until(stands, "the mail on the timeline")
    return prepared


@pytest.mark.requirement("A1", "A4", "A6", "L8", "L13")
async def test_settings_are_tried_saved_and_count_at_once(stack: Stack, browser: Browser, admin: Rep) -> None:
    """Without a reload: a dry run over past mail, an entry, a switch; then what a compose window is told."""
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=1) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        await logged_mail(rep, "Before the list")
        page = await context.new_page()
        await open_settings(page, stack, people(stack.sign_ins, Role.SUPER_ADMIN)[ENGLISH])
        await page.evaluate("window.notReloaded = true")

        await page.fill("#added", "not an entry")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("#never-log-fault")).to_contain_text("“not an entry”")
        await expect(page.locator("#added")).to_have_value("not an entry")

        await page.fill("#added", "northwind.example")
        await page.get_by_role("button", name="Try it on past mail").click()
        tried = page.locator("#dry-run .tried")
        await expect(tried).to_contain_text("Before the list")
        await expect(tried).to_contain_text("would not be logged")
        assert (await rep.get("/v1/compose-context", to=ZOE))["log"]["enabled"], "a dry run changes nothing"

        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator(".entries li")).to_have_count(1)
        log = (await rep.get("/v1/compose-context", to=ZOE))["log"]
        assert (log["enabled"], log["reason"]) == (False, "recipients_never_logged")

        await page.get_by_label("Allow all users to track opens and clicks").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_have_text("Saved. It counts from now on.")
        track = (await rep.get("/v1/compose-context", to=ZOE))["track"]
        assert (track["enabled"], track["reason"]) == (False, "account_tracking_off")

        await page.locator(".entries input").check()
        await page.get_by_role("button", name="Remove the ticked ones").click()
        await expect(page.locator("#never-log .empty")).to_be_visible()
        assert (await rep.get("/v1/compose-context", to=ZOE))["log"]["enabled"]
        assert await page.evaluate("window.notReloaded") is True

        await page.get_by_role("link", name="Audit log").click()
        actions = page.locator(".event .what strong")
        await expect(actions.nth(0)).to_have_text("Removed from the never-log list")
        await expect(actions.nth(1)).to_have_text("Email settings changed")
        await expect(actions.nth(2)).to_have_text("Added to the never-log list")
        assert complaints == []


@pytest.mark.requirement("A1", "B10")
async def test_pictures_of_the_settings(stack: Stack, browser: Browser, admin: Rep) -> None:
    """In both languages, themes and widths, with data; none scrolls sideways."""
    headers = {"Authorization": f"Bearer {admin.token}"}
    entries = ["northwind.example", "*.日本.example", "ceo@customer.example"]
    async with httpx.AsyncClient(base_url=admin.app_url, headers=headers) as http:
        assert (await http.post("/v1/settings/never-log", json={"entries": entries})).status_code == 200
    admins = dict(zip(("ja", "en"), people(stack.sign_ins, Role.SUPER_ADMIN), strict=True))
    for language in ("en", "ja"):
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            camera = Camera(page, stack.addresses["app_url"], language)
            await open_settings(page, stack, admins[language])
            await page.click("#never-log button[formaction='/settings/dry-run']")
            await page.locator("#dry-run h3").wait_for()
            await camera.take("settings")
            await page.click("a[href='/settings/audit']")
            await page.locator(".event").first.wait_for()
            await camera.take("audit")
            await page.click("a[href='/settings/users']")
            await page.locator(".user summary").first.click()
            await camera.take("users")
            await page.click("a[href='/profile']")
            await page.locator("#time_zone").wait_for()
            await camera.take("profile")
            assert complaints == []
