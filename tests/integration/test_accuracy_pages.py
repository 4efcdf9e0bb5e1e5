"""The Accuracy page in real Chromium: what the rep's mail's hits were taken for, without a reload."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.local.database_user import DATABASE
from deploy.local.environment import whole_environment
from deploy.local.rep import GMAIL_PROXY, Rep
from deploy.local.seed import people
from deploy.local.stack import Stack
from services.crm.model.accuracy import Provider
from services.crm.rules.accuracy import Cell, Place, Recount, named
from services.crm.store.accuracy import VerdictCounts
from services.crm.store.database import Database
from shared.auth.tokens import Role
from shared.events.engagements import Verdict
from shared.events.ids import new_id
from tests.integration.browser import sign_in_to, watched
from tests.integration.client import clean_environment, signed_in
from tests.integration.demo_mail import Mail, send
from tests.integration.pictures import Camera

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B1")]
_ZOE = ("zoe@northwind.example", "Zoë Müller")
_VERSION = "2026.11.2"
_CELLS = (
    (9, Cell("hit", Verdict.PROXIED_HUMAN, None, Provider.GMAIL, "proxies.google", 90, _VERSION)),
    (2, Cell("hit", Verdict.MACHINE, None, Provider.GMAIL, "prefetch.gmail", 90, _VERSION)),
    (
        1,
        Cell(
            "hit+",
            Verdict.SELF,
            Verdict.PROXIED_HUMAN,
            Provider.GMAIL,
            "own-views.through-proxy",
            70,
            _VERSION,
        ),
    ),
    (5, Cell("hit", Verdict.HUMAN, None, Provider.DIRECT, "default.open", 60, _VERSION)),
    (2, Cell("repeat", Verdict.HUMAN, None, Provider.DIRECT, "default.click", 70, _VERSION)),
    (4, Cell("hit", Verdict.PRIVACY_PROXY, None, Provider.APPLE_PRIVACY, "privacy.apple", 80, _VERSION)),
    (3, Cell("hit+", Verdict.MACHINE, Verdict.HUMAN, Provider.SCANNER, "bursts.links-at-once", 95, _VERSION)),
    (3, Cell("hit", Verdict.MACHINE, None, Provider.MICROSOFT, "senders.microsoft-link", 85, _VERSION)),
    (2, Cell("hit", Verdict.SELF, None, Provider.OWN_VIEW, "own-views.same-browser", 95, "2026.11.1")),
    (1, Cell("hit", Verdict.OLDER_MESSAGE, None, Provider.OTHER, "threads.older-message", 80, _VERSION)),
    (1, Cell("hit+", Verdict.HUMAN, Verdict.MACHINE, Provider.DIRECT, "default.open", 60, _VERSION)),
    (1, Cell("inferred", Verdict.HUMAN, None, Provider.OTHER, "inferred.click", 80, _VERSION)),
)


async def shown(page: Page, label: str) -> int:
    """The number that stands under a heading of the page."""
    figure = page.locator(".figures > div", has=page.locator("dt", has_text=label)).locator("dd")
    return int((await figure.inner_text()).split()[0].replace(",", ""))


async def test_hits_of_the_reps_own_mail_in_numbers(stack: Stack, browser: Browser) -> None:
    """Opened through Gmail's proxy, then another span by keyboard: no reload, and back again."""
    who = people(stack.sign_ins, Role.REP)[1]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=1) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        page = await context.new_page()
        before = await hits(rep)
        await send(rep, Mail("In numbers", (_ZOE,), (GMAIL_PROXY,)))
        assert await hits(rep) == before + 1
        await sign_in_to(page, stack.addresses["app_url"], who, "/accuracy")
        assert await shown(page, "Hits") == before + 1
        assert await shown(page, "Human, through a mail proxy") >= 1
        await expect(page.locator("[data-provider=gmail]")).to_contain_text("Gmail and Google")
        await expect(page.locator("code", has_text="proxies.google").first).to_be_visible()
        await page.evaluate("window.notReloaded = true")
        await page.focus("#span-7")
        await page.keyboard.press("Enter")
        await expect(page.locator("#span-7")).to_have_attribute("aria-current", "true")
        await expect(page.locator("#span-7")).to_be_focused()
        await page.wait_for_url("**/accuracy?days=7")
        await page.locator("#span-90").click()
        await expect(page.get_by_role("heading", name="Verdicts by week")).to_be_visible()
        assert await page.evaluate("window.notReloaded") is True
        await page.get_by_text("The same numbers as a table").click()
        await expect(page.locator("details.numbers tbody tr")).to_have_count(13)
        assert complaints == []


async def test_it_is_there_without_script(stack: Stack, browser: Browser) -> None:
    who = people(stack.sign_ins, Role.REP)[1]
    async with watched(browser, locale="en", java_script_enabled=False) as (context, _):
        page = await context.new_page()
        await sign_in_to(page, stack.addresses["app_url"], who, "/accuracy")
        await page.locator("#span-7").click()
        await page.wait_for_url("**/accuracy?days=7")
        await expect(page.locator("#span-7")).to_have_attribute("aria-current", "true")


async def test_an_answer_that_fails_leaves_the_numbers_and_says_so(stack: Stack, browser: Browser) -> None:
    who = people(stack.sign_ins, Role.REP)[1]
    async with watched(browser, locale="en") as (context, _):
        page = await context.new_page()
        await sign_in_to(page, stack.addresses["app_url"], who, "/accuracy")
        await page.route(
            "**/accuracy?days=7",
            lambda route: route.fulfill(
                status=503,
                body="Away",
                headers={"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"},
            ),
        )
        await page.locator("#span-7").click()
        await expect(page.locator("#trouble")).to_have_text("Away")
        await expect(page.locator("#span-30")).to_have_attribute("aria-current", "true")


async def hits(rep: Rep) -> int:
    """As the API says."""
    found: int = (await rep.get("/v1/accuracy"))["hits"]
    return found


async def counted(stack: Stack, account_id: UUID, user_id: UUID) -> None:
    """Three months of hits."""
    url = whole_environment(stack.home, stack.ports, clean_environment())["KAIFU_CRM_MONGODB_URL"]
    database, chance, today = Database(url, DATABASE), random.Random(6), datetime.now(UTC).date()
    counts = VerdictCounts(database)
    recounts = [
        Recount(new_id(), None, Place(user_id, (today - timedelta(days=ago)).isoformat(), named(cell)))
        for ago in range(1, 90)
        if (today - timedelta(days=ago)).weekday() < 5
        for weight, cell in _CELLS
        for _ in range(chance.randrange(weight + 1))
    ]
    await database.in_transaction(lambda session: counts.add(account_id, recounts, session))
    database.close()


@pytest.mark.requirement("B10")
async def test_pictures_of_the_accuracy_page(stack: Stack, browser: Browser) -> None:
    """In both languages, themes and widths; none scrolls sideways."""
    admins = dict(zip(("ja", "en"), people(stack.sign_ins, Role.SUPER_ADMIN), strict=True))
    async with signed_in(stack.addresses, stack.sign_ins, number=1) as rep:
        me = await rep.get("/v1/me")
        await counted(stack, UUID(me["account_id"]), UUID(me["user_id"]))
    for language in ("en", "ja"):
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            await sign_in_to(page, stack.addresses["app_url"], admins[language], "/accuracy")
            for days in (30, 90):
                await page.click(f"#span-{days}")
                await expect(page.locator(f"#span-{days}")).to_have_attribute("aria-current", "true")
                if days == 90:
                    await page.locator("details.numbers summary").click()
                await Camera(page, stack.addresses["app_url"], language).take("accuracy", f"{days}-")
            assert complaints == []
