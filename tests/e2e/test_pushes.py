"""Desktop pop-ups: raised, withdrawn, summarised, muted, clicked, counted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from playwright.async_api import BrowserContext, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN, worker_of
from tests.e2e.pushing import Pushing, badge, kept_on_screen, nothing_on_screen, on_screen, pushing_to, shown
from tests.e2e.standin.server import GmailStandIn
from tests.integration.scraping import scraped, total

OLD = timedelta(minutes=5, seconds=1)
_NAME = """(id) => chrome.notifications.getAll().then((all) =>
    Object.keys(all).find((name) => name.includes(id)))"""
_CLICK = "(name) => chrome.notifications.onClicked.dispatch(name)"


@pytest.fixture
async def pushing(
    stack: Stack, api: Rep, signed_in: tuple[BrowserContext, GmailStandIn]
) -> AsyncIterator[Pushing]:
    """Events for the rep, whose screen is empty."""
    browser, _ = signed_in
    await kept_on_screen(browser)
    await nothing_on_screen(browser)
    await seen(browser)
    async with pushing_to(stack, api) as pushing:
        yield pushing


async def seen(browser: BrowserContext) -> None:
    """The rep opens what is behind the toolbar icon."""
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    await expect(popup.locator(".feed")).not_to_contain_text("Loading")
    await badge(browser, "")
    await popup.close()


async def sent_mail(api: Rep, subject: str) -> Json:
    """A tracked mail of the rep's, in the feed."""
    prepared = await api.prepare([{"address": "ann@recipient.example"}], [], subject=subject)
    await api.confirm_sent(prepared)
    return prepared


@pytest.mark.requirement("B3", "T6")
async def test_a_withdrawn_pop_up_is_cleared_and_an_early_withdrawal_keeps_it_from_showing(
    pushing: Pushing, signed_in: tuple[BrowserContext, GmailStandIn]
) -> None:
    browser, _ = signed_in
    first, second, never = await pushing.raised(), await pushing.raised(), uuid4()
    await shown(browser, first, second)
    await badge(browser, "2")
    await pushing.retracted(first)
    await shown(browser, second, leaving=[first])
    await badge(browser, "1")
    await pushing.retracted(never)
    await pushing.raised(id_=never)
    last = await pushing.raised()
    await shown(browser, second, last)
    await badge(browser, "2")
    await seen(browser)


@pytest.mark.requirement("T4")
async def test_what_is_older_than_five_minutes_is_one_summary(
    pushing: Pushing, signed_in: tuple[BrowserContext, GmailStandIn]
) -> None:
    browser, _ = signed_in
    for _ in range(3):
        await pushing.raised(age=OLD)
    fresh = await pushing.raised()
    await shown(browser, fresh, "summary")
    await badge(browser, "4")


@pytest.mark.requirement("B8")
async def test_a_muted_mail_shows_none(
    pushing: Pushing, signed_in: tuple[BrowserContext, GmailStandIn], api: Rep, stack: Stack
) -> None:
    """It is counted; the server knows, so it is silent on every screen."""
    browser, _ = signed_in

    async def policies_read() -> float:
        figures = await scraped(stack, "notifier")
        return total(figures, "kaifu_events_consumed_total", topic="notification-policies")

    before = await policies_read()
    mail = await sent_mail(api, "Not interesting")
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    row = popup.locator("article.mail", has_text="Not interesting")
    await row.get_by_role("button", name="Mute").click()
    await expect(row.get_by_role("button", name="Unmute")).to_be_visible()
    await popup.close()

    async def is_known() -> bool | None:
        return True if await policies_read() > before else None

    await until(is_known, "the notifier knows that the mail is muted")
    await pushing.raised(UUID(mail["message_id"]))
    other = await pushing.raised()
    await shown(browser, other)
    await badge(browser, "2")


@pytest.mark.requirement("T4")
async def test_a_click_leads_to_the_mail_in_the_feed_however_old_it_is(
    pushing: Pushing, signed_in: tuple[BrowserContext, GmailStandIn], api: Rep
) -> None:
    """Nobody can press a pop-up on a desktop without a screen: Chromium's event is dispatched instead."""
    browser, _ = signed_in
    mail = await sent_mail(api, "Opened at last")
    for number in range(32):  # one by one: the embedded database answers a few at once too late
        await sent_mail(api, f"Newer {number}")
    id_ = await pushing.raised(UUID(mail["message_id"]))
    await shown(browser, id_)
    worker = await worker_of(browser)
    name = await worker.evaluate(_NAME, str(id_))
    async with browser.expect_page() as opening:
        await worker.evaluate(_CLICK, name)
    feed = await opening.value
    row = feed.locator(f"#row-{mail['message_id']}")
    await expect(row).to_be_in_viewport()
    await expect(row).to_contain_text("Opened at last")
    assert await row.evaluate("(row) => row.matches(':target')")
    await shown(browser, leaving=[id_])
    await badge(browser, "")
    await feed.close()


@pytest.mark.requirement("T4")
async def test_the_rep_can_ask_for_a_test_notification(
    pushing: Pushing, signed_in: tuple[BrowserContext, GmailStandIn]
) -> None:
    browser, _ = signed_in
    options = await browser.new_page()
    await options.goto(f"{EXTENSION_ORIGIN}/options.html")
    await options.get_by_role("button", name="Send me a test notification").click()
    await expect(options.locator("body")).to_contain_text("It should appear within a second")

    async def one() -> bool | None:
        return len(await on_screen(browser)) == 1 or None

    await until(one, "the pop-up", 5.0)
    await badge(browser, "")
    await options.close()
