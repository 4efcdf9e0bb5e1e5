"""The page of notifications in real Chromium: in place, by keyboard, on a phone, without scripts."""

from itertools import product

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from shared.events.ids import new_id
from shared.events.notification_policies import OpensWanted, QuietHours
from tests.integration.browser import watched
from tests.integration.pictures import SCHEMES, WIDTHS, taken
from tests.integration.test_live_page import serving
from tests.unit.crm_web.fakes import COOKIE, FakeCrm, fake_crm

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B8")]
PAGE = "/profile/notifications"


@pytest_asyncio.fixture(loop_scope="session", params=["en", "ja"])
async def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def opened(page: Page, url: str) -> None:
    await page.context.add_cookies([{"name": "kaifu_session", "value": COOKIE, "url": url}])
    await page.goto(url + PAGE)


def crm_in(language: str = "en") -> FakeCrm:
    crm = fake_crm()
    changes = {"locale": language, "time_zone": "Asia/Tokyo"}
    crm.sign_ins.who = crm.sign_ins.who.model_copy(update=changes)
    return crm


async def test_the_policy_is_saved_in_place_by_keyboard(browser: Browser) -> None:
    """Enter in a field saves and removes no row; after each save there is one form."""
    crm = crm_in()
    async with serving(crm) as url, watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await opened(page, url)
        await page.evaluate("window.same = true")
        await page.get_by_label("The first open, and when").check()
        await page.get_by_label("Notify me of clicks").uncheck()
        row = page.locator(".span").first
        await row.get_by_label("Begins at").fill("19:00")
        await row.get_by_label("Ends at").fill("08:30")
        await row.get_by_label("Saturday").uncheck()
        await row.get_by_label("Sunday").uncheck()
        await page.get_by_label("Days without an open").fill("30")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        assert await page.evaluate("window.same")
        policy = crm.notification_policies.policy
        nights = QuietHours(days=(1, 2, 3, 4, 5), begin=19 * 60, end=8 * 60 + 30)
        assert (policy.opens, policy.pause_days, policy.clicks) == (OpensWanted.AFTER_PAUSE, 30, False)
        assert policy.quiet_hours == (nights,)
        await page.get_by_label("Days without an open").focus()
        async with page.expect_response(url + PAGE):
            await page.keyboard.press("Enter")
        assert crm.notification_policies.policy.quiet_hours == (nights,)
        await expect(page.locator(".span")).to_have_count(2)
        await page.get_by_role("button", name="Remove quiet hours 1").click()
        await expect(page.locator(".span")).to_have_count(1)
        assert crm.notification_policies.policy.quiet_hours == ()
        await page.locator(".span").first.get_by_label("Begins at").fill("22:00")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.get_by_role("alert").filter(has_text="both times")).to_be_visible()
        await expect(page.locator(".span").first.get_by_label("Begins at")).to_have_value("22:00")
        assert complaints == []


async def test_it_works_without_scripts(browser: Browser) -> None:
    crm = crm_in()
    crm.mutes.muted[new_id()] = "Aiko Tanaka"
    async with serving(crm) as url, watched(browser, java_script_enabled=False, locale="en") as (context, _):
        page = await context.new_page()
        await opened(page, url)
        await page.get_by_label("Only the first open").check()
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.get_by_label("Only the first open")).to_be_checked()
        await page.get_by_role("button", name="Unmute Aiko Tanaka").click()
        await expect(page.get_by_text("No contact is muted.")).to_be_visible()
    assert crm.notification_policies.policy.opens is OpensWanted.FIRST
    assert crm.mutes.muted == {}


@pytest.mark.parametrize(("size", "scheme"), list(product(WIDTHS, SCHEMES)))
async def test_it_fits_any_screen(browser: Browser, language: str, size: str, scheme: str) -> None:
    """Nothing is cut off or wider than the screen, in either language."""
    crm = crm_in(language)
    spans = (
        QuietHours(days=(1, 2, 3, 4, 5), begin=19 * 60, end=8 * 60 + 30),
        QuietHours(days=(6, 7), begin=0, end=0),
    )
    wanted = {"opens": OpensWanted.AFTER_PAUSE, "quiet_hours": spans}
    crm.notification_policies.policy = crm.notification_policies.policy.model_copy(update=wanted)
    crm.mutes.muted = {new_id(): "山田 花子", new_id(): "Aiko Tanaka of a company with a rather long name"}
    options = {"locale": language, "viewport": {"width": WIDTHS[size], "height": 900}, "color_scheme": scheme}
    async with serving(crm) as url, watched(browser, **options) as (context, complaints):
        page = await context.new_page()
        await opened(page, url)
        inside = "(part) => part.getBoundingClientRect().right <= innerWidth"
        for part in await page.locator(".policy input, .policy button.quiet, .entries button").all():
            assert await part.evaluate(inside)
        await taken(page, "notifications", f"{language}-{scheme}-{size}")
        assert complaints == []
