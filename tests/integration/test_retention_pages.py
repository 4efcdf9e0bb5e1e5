"""A super admin sets how long content is kept in real Chromium, and crm deletes what is too old."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.local.database_user import DATABASE
from deploy.local.environment import whole_environment
from deploy.local.rep import Json, Rep, until
from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from services.crm.store.database import Database
from shared.auth.tokens import Role
from tests.integration.browser import sign_in_to, watched
from tests.integration.client import clean_environment, signed_in
from tests.integration.pictures import Camera
from tests.integration.test_settings_pages import logged_mail

pytestmark = [pytest.mark.integration, pytest.mark.requirement("A6")]
ENGLISH = 1  # the demo account's second super admin; the first is Japanese


async def open_retention(page: Page, stack: Stack, who: Person) -> None:
    await sign_in_to(page, stack.addresses["app_url"], who, "/settings/retention")


async def aged(stack: Stack, mail: Json) -> None:
    """From now on the mail was sent two years ago."""
    url = whole_environment(stack.home, stack.ports, clean_environment())["KAIFU_CRM_MONGODB_URL"]
    database = Database(url, DATABASE)
    sent_at = {"sent_at": datetime.now(UTC) - timedelta(days=730)}
    await database.whole["messages"].update_one({"_id": UUID(mail["message_id"])}, {"$set": sent_at})
    database.close()


async def body_status(rep: Rep, mail: Json) -> int:
    path = f"{rep.app_url}/v1/messages/{mail['message_id']}/body"
    return (await rep.http.get(path, headers={"Authorization": f"Bearer {rep.token}"})).status_code


async def test_what_is_counted_and_saved_is_deleted(stack: Stack, browser: Browser) -> None:
    """Without a reload; a younger mail keeps its body, and the audit log tells of it."""
    who = people(stack.sign_ins, Role.SUPER_ADMIN)[ENGLISH]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=1) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        old, young = [await logged_mail(rep, subject) for subject in ("Two years ago", "Today")]
        for mail in (old, young):
            put = await rep.http.put(
                f"{rep.app_url}/v1/messages/{mail['message_id']}/body",
                json={"receipt": mail["receipt"], "html": "<p>Hi</p>", "text": "Hi"},
                headers={"Authorization": f"Bearer {rep.token}"},
            )
            assert put.status_code == 204
        await aged(stack, old)
        page = await context.new_page()
        await open_retention(page, stack, who)
        await page.evaluate("window.notReloaded = true")
        await expect(page.get_by_role("button", name="Save")).to_have_count(0)
        await page.fill("#months", "12")
        await page.keyboard.press("Enter")
        await expect(page.locator("#retention .changes")).to_contain_text("the body of 1 mail")
        assert [await body_status(rep, mail) for mail in (old, young)] == [200, 200]
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_contain_text("Saved.")

        async def gone() -> bool | None:
            return True if await body_status(rep, old) == 404 else None

        await until(gone, "the body's deletion", 60.0)
        assert await body_status(rep, young) == 200
        await page.fill("#months", "")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Now: for ever.")).to_be_visible()
        assert await page.evaluate("window.notReloaded") is True
        await page.get_by_role("link", name="Audit log").click()
        await expect(page.locator(".event .what strong").first).to_have_text("Retention changed")
        assert complaints == []


@pytest.mark.requirement("B10")
async def test_pictures_of_retention(stack: Stack, browser: Browser) -> None:
    """In both languages, themes and widths; none scrolls sideways."""
    admins = dict(zip(("ja", "en"), people(stack.sign_ins, Role.SUPER_ADMIN), strict=True))
    for language in ("en", "ja"):
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            await open_retention(page, stack, admins[language])
            await page.fill("#months", "24")
            await page.click("form[action='/settings/retention/count'] button")
            await page.locator(".changes").wait_for()
            await Camera(page, stack.addresses["app_url"], language).take("retention")
            assert complaints == []
