"""Mails that are sent while the server is away are logged afterwards, whatever happens in between."""

import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Playwright, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN, asked_in_order, kill, net_log, rep_browser, worker_of
from tests.e2e.records import logged, new_contact
from tests.e2e.rep import ComposeWindow, new_compose, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn

ADDRESS = "queue@recipient.example"
SUBJECTS = ("One", "Two", "Three", "Four", "Five")
KILLED_AFTER = 4
Moments = tuple[datetime, datetime]
_QUEUED = "chrome.storage.local.get('queue').then(({ queue }) => (queue ?? []).map((job) => job.key))"


@pytest.mark.requirement("E3", "T9", "L2")
async def test_mails_sent_while_the_server_is_away_are_logged_once_in_order_with_their_own_time(
    stack: Stack,
    rep: Person,
    api: Rep,
    gmail: GmailStandIn,
    playwright: Playwright,
    extension: Path,
    tmp_path: Path,
) -> None:
    """Four from two windows; the browser is killed right after the last, opened, closed and opened again.
    There a fifth is written, to somebody of whom this browser then knows nothing."""
    contact = await new_contact(api, ADDRESS)
    profile = tmp_path / "rep"
    opened = partial(rep_browser, playwright, profile, extension, gmail.port)
    async with AsyncExitStack() as outage:
        async with opened() as browser:
            windows = await written(browser, rep, stack)
            await outage.enter_async_context(stack.without("ingest", "crm"))
            sent = await sent_from(browser, windows, gmail)
            async with browser.expect_event("close"):  # else the block would close it once more
                kill(profile)
        async with opened() as browser:
            await waits(await popup_of(browser), KILLED_AFTER)
        async with opened() as browser:
            popup = await popup_of(browser)
            await waits(popup, KILLED_AFTER)
            page = await open_gmail(browser)
            await (await new_compose(page)).write(ADDRESS, SUBJECTS[-1], "<p>Hello</p>")
            sent += await sent_from(browser, [page], gmail, len(SUBJECTS))
            await waits(popup, len(SUBJECTS))
            await outage.aclose()
            await expect(popup.locator("header p")).to_be_hidden(timeout=40_000)
            rows = await until(partial(all_logged, api, contact), "the mails on the timeline")
    assert [row["subject"] for row in rows] == list(SUBJECTS)
    for row, (pressed, taken) in zip(rows, sent, strict=True):
        assert pressed <= datetime.fromisoformat(row["occurred_at"]) <= taken
    reported = re.findall(r"POST \S+/v1/messages/([\w-]+)/sent", "\n".join(asked_in_order(net_log(profile))))
    assert list(dict.fromkeys(reported)) == [row["message_id"] for row in rows]


async def written(browser: BrowserContext, rep: Person, stack: Stack) -> list[Page]:
    """The mails, ready to be sent; for each the window of Gmail in which it stands, in turn one of two."""
    left = await open_gmail(browser)
    await sign_in(browser, rep, stack.addresses["app_url"])
    right = await open_gmail(browser)
    windows = [left, right, left, right]
    for page, subject in zip(windows, SUBJECTS[:KILLED_AFTER], strict=True):
        await page.bring_to_front()
        compose = await new_compose(page)
        await compose.write(ADDRESS, subject, "<p>Hello</p>")
        await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    return windows


async def sent_from(
    browser: BrowserContext, windows: list[Page], gmail: GmailStandIn, first: int = 1
) -> list[Moments]:
    """Send them; for each when Send was pressed, and when it was written down and the rep told."""
    worker, popup = await worker_of(browser), await popup_of(browser)
    sent: list[Moments] = []
    for number, page in enumerate(windows, first):
        warnings = page.locator(".kaifu-warning", has_text="logged as soon as")
        told = await warnings.count()
        await page.bring_to_front()
        pressed = datetime.now(UTC)
        await ComposeWindow(page).send()
        assert "<img" not in (await gmail.sent(number)).html
        await expect(warnings).to_have_count(told + 1)

        async def kept(count: int = number) -> bool | None:
            return len(await worker.evaluate(_QUEUED)) == count or None

        await until(kept, "the mail in the queue")
        sent.append((pressed, datetime.now(UTC)))
        if number < KILLED_AFTER:
            await waits(popup, number)
    return sent


async def popup_of(browser: BrowserContext) -> Page:
    """What opens behind the toolbar icon."""
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    return popup


async def waits(popup: Page, count: int) -> None:
    """The popup says so."""
    await expect(popup.locator("header p")).to_have_text(f"{count} waiting to be logged")


async def all_logged(api: Rep, contact: Json) -> list[Json] | None:
    """The mails on the timeline, when all are there."""
    rows = await logged(api, contact)
    return rows if len(rows) >= len(SUBJECTS) else None
