"""Worker, extension and browser end and come back: the rep misses nothing and is told nothing twice."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Playwright, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import reload_extension, rep_browser, stop_worker, unwatched_browser, worker_of
from tests.e2e.pushing import Pushing, badge, nothing_on_screen, pushing_to, shown
from tests.e2e.relay import relaying
from tests.e2e.rep import new_compose, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn

OLD = timedelta(minutes=5, seconds=1)
_CURSORS = "chrome.storage.local.get('cursors').then(({ cursors }) => cursors ?? {})"
_SET_CURSORS = "(cursors) => chrome.storage.local.set({ cursors })"
# Chrome lets an extension that is loaded unpacked be woken up more often than every half minute.
_ALARM_SOON = """async () => {
    const alarm = await chrome.alarms.get("kaifu");
    await chrome.alarms.create("kaifu", { periodInMinutes: 0.03 });
    return alarm?.periodInMinutes;
}"""
_PUSHES_FROM = """async (url) => {
    const { signIns } = await chrome.storage.local.get("signIns");
    for (const signIn of Object.values(signIns)) signIn.server.kaifu_push_url = url;
    await chrome.storage.local.set({ signIns });
}"""


async def streaming(browser: BrowserContext) -> Json:
    """Wait until the stream stands; its cursor by account."""
    worker = await worker_of(browser)

    async def look() -> Json | None:
        return await worker.evaluate(_CURSORS) or None

    return await until(look, "a cursor")


async def fresh_one_alone(browser: BrowserContext, pushing: Pushing) -> None:
    """What is told next is all that is told: everything before it has been heard by then."""
    await shown(browser, await pushing.raised())
    await nothing_on_screen(browser)


@pytest.mark.requirement("T4", "B3")
async def test_none_is_shown_twice_and_none_is_missed_across_restarts(
    stack: Stack,
    rep: Person,
    api: Rep,
    gmail: GmailStandIn,
    playwright: Playwright,
    extension: Path,
    tmp_path: Path,
) -> None:
    """Each time the stream resumes from the first cursor, so that all comes again."""
    opened = partial(rep_browser, playwright, tmp_path / "rep", extension, gmail.port)
    async with pushing_to(stack, api) as pushing:
        async with opened() as browser:
            page = await open_gmail(browser)
            await sign_in(browser, rep, stack.addresses["app_url"])
            await page.close()
            begin = await streaming(browser)
            await fresh_one_alone(browser, pushing)
            await the_worker_ends_and_the_alarm_brings_it_back(browser, pushing, begin)
            await the_extension_is_reloaded(browser, pushing, begin)
            await (await worker_of(browser)).evaluate(_SET_CURSORS, begin)
        for _ in range(2):
            await pushing.raised(age=OLD)
        async with opened() as browser:
            await shown(browser, "summary")
            await nothing_on_screen(browser)
            await the_worker_ends_and_the_alarm_brings_it_back(browser, pushing, begin)
            await badge(browser, "6")


async def the_worker_ends_and_the_alarm_brings_it_back(
    browser: BrowserContext, pushing: Pushing, begin: Json
) -> None:
    """Nothing else wakes it up: no page of the extension and none of Gmail's is open."""
    worker = await worker_of(browser)
    assert await worker.evaluate(_ALARM_SOON) == 0.5
    await worker.evaluate(_SET_CURSORS, begin)
    await stop_worker(browser)
    await fresh_one_alone(browser, pushing)


async def the_extension_is_reloaded(browser: BrowserContext, pushing: Pushing, begin: Json) -> None:
    """All comes again."""
    await (await worker_of(browser)).evaluate(_SET_CURSORS, begin)
    await reload_extension(browser)
    await fresh_one_alone(browser, pushing)


@pytest.mark.requirement("T4")
async def test_the_heartbeat_keeps_the_worker_and_its_stream_alive(
    stack: Stack, rep: Person, gmail: GmailStandIn, playwright: Playwright, extension: Path, tmp_path: Path
) -> None:
    """Chromium ends a worker that is idle for half a minute. Later it is the same connection."""
    profile = tmp_path / "rep"
    async with relaying(stack.addresses["push_url"]) as relay:
        async with rep_browser(playwright, profile, extension, gmail.port) as browser:
            await open_gmail(browser)
            await sign_in(browser, rep, stack.addresses["app_url"])
            await (await worker_of(browser)).evaluate(_PUSHES_FROM, relay.url)
        async with unwatched_browser(profile, extension, gmail.port):
            authenticate, heartbeats = 1, 2
            await relay.until(lambda it: it.messages == authenticate + heartbeats or it.ended > 0, 60.0)
            assert (relay.connections, relay.ended) == (1, 0)


@pytest.mark.requirement("T8", "E3")
async def test_a_page_from_before_an_update_says_that_it_must_be_reloaded(
    browser: BrowserContext, gmail: GmailStandIn, stack: Stack, rep: Person
) -> None:
    page = await open_gmail(browser)
    await sign_in(browser, rep, stack.addresses["app_url"])
    await page.bring_to_front()
    compose = await new_compose(page)
    html = '<p>Hello <a href="https://www.example.com/">you</a></p>'
    await compose.write("ann@recipient.example", "Updated meanwhile", html)
    await expect(compose.track).to_be_checked()
    await reload_extension(browser)
    await page.bring_to_front()
    warning = page.locator(".kaifu-warning")
    await expect(warning).to_contain_text("Reload this page to go on")
    for box in (compose.track, compose.log):
        await expect(box).to_be_disabled()
        await expect(box).not_to_be_checked()
    await expect(compose.window.locator(".kaifu-bar")).to_contain_text("Reload this page to go on")
    await expect(compose.window.locator(".kaifu-bar button:visible")).to_have_count(0)
    await compose.send()
    assert (await gmail.sent(1)).html == html
    await expect((await new_compose(page)).track).to_be_disabled()
    await expect(warning).to_have_count(1)
    await page.reload()
    await expect((await new_compose(page)).track).to_be_enabled()
