"""The open popup follows what happens on the server, whatever becomes of the push stream."""

import os
import signal

import pytest
from playwright.async_api import BrowserContext, expect

from deploy.local.rep import Rep, follow_link, load_pixel, reading_time, until
from deploy.local.screen import open_screen
from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN, worker_of
from tests.e2e.rep import open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn

_CHROME = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
}
_REFUSE_SOCKETS = """() => {
    self.realWebSocket = self.WebSocket;
    self.WebSocket = class {
        static OPEN = 1;
        constructor() { setTimeout(() => this.onclose({ code: 1006 })); }
        close() {}
    };
}"""
_CONNECT_AGAIN = """() => {
    self.WebSocket = self.realWebSocket;
    self.dispatchEvent(new Event("online"));
}"""


@pytest.mark.requirement("T6")
async def test_a_change_before_the_first_connection_of_the_stream_is_not_missed(
    browser: BrowserContext, stack: Stack, rep: Person, api: Rep
) -> None:
    """A stream without a cursor begins with now: what was read before it stood may be old."""
    await open_gmail(browser)
    worker = await worker_of(browser)
    await worker.evaluate(_REFUSE_SOCKETS)
    await sign_in(browser, rep, stack.addresses["app_url"])
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    await expect(popup.locator(".feed")).not_to_contain_text("Loading")
    async with open_screen(stack.addresses["push_url"], api.token) as other:
        prepared = await api.prepare([{"address": "ann@recipient.example"}], [], subject="Meanwhile")
        await api.confirm_sent(prepared)
        await other.event(type="feed_changed", message_id=prepared["message_id"])
    row = popup.locator("article.mail", has_text="Meanwhile")
    await expect(row).to_have_count(0)
    await worker.evaluate(_CONNECT_AGAIN)
    await expect(row.locator(".state")).to_contain_text("Sent")


@pytest.mark.requirement("T6")
async def test_what_was_read_last_is_there_at_once_whatever_the_server_does(
    signed_in: tuple[BrowserContext, GmailStandIn], stack: Stack, api: Rep
) -> None:
    browser, _ = signed_in
    prepared = await api.prepare([{"address": "ann@recipient.example"}], [], subject="Read last time")
    await api.confirm_sent(prepared)
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    row = popup.locator("article.mail", has_text="Read last time")
    await expect(row).to_be_visible()
    os.kill(stack.pids["crm"], signal.SIGSTOP)
    try:
        await popup.reload()
        await expect(row).to_be_visible(timeout=3000)
        await expect(popup.locator(".away")).to_contain_text("cannot be reached")
        await expect(row).to_be_visible()
    finally:
        os.kill(stack.pids["crm"], signal.SIGCONT)
    await popup.get_by_role("button", name="Try again").click()
    await expect(popup.locator(".away")).to_have_count(0)
    await expect(row).to_be_visible()
    await popup.close()


@pytest.mark.requirement("T3", "T6")
async def test_filters_leave_what_they_say(signed_in: tuple[BrowserContext, GmailStandIn], api: Rep) -> None:
    browser, _ = signed_in
    to = [{"address": "ann@recipient.example"}]
    long = f"sent{'x' * 300}"
    sent = await api.prepare(to, [], subject=f"Filtered: {long}")
    opened = await api.prepare(to, [], subject="Filtered: opened")
    clicked = await api.prepare(to, ["https://www.example.com/"], subject="Filtered: clicked")
    for prepared in (sent, opened, clicked):
        await api.confirm_sent(prepared)
    await load_pixel(api.http, opened["pixel_url"])
    await reading_time()
    await follow_link(api.http, clicked["links"][0]["tracked_url"])
    popup = await browser.new_page()
    await popup.set_viewport_size({"width": 400, "height": 560})
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    rows = popup.locator("article.mail", has_text="Filtered:")
    await expect(rows.filter(has_text="1 click")).to_be_visible()
    await expect(rows.and_(popup.locator("[data-state=opened]"))).to_have_count(2)
    left = {
        "Opened": ["clicked", "opened"],  # a click proves an open (B7)
        "Clicked": ["clicked"],
        "Not opened": [long],
        "All": ["clicked", "opened", long],
    }
    for name, subjects in left.items():
        await popup.get_by_label("Show").select_option(label=name)
        await expect(rows.locator(".subject")).to_have_text([f"Filtered: {one}" for one in subjects])
    wider = await popup.locator(".feed").evaluate("(feed) => feed.scrollWidth - feed.clientWidth")
    assert wider == 0
    await popup.close()


_WAITING = """(account) => chrome.storage.local.set({
    seenAccounts: [account],
    queue: [{
        key: "k", account, prepare: { subject: "While you were away" }, prepared: null, body: null,
        report: { state: "sent", occurred_at: "2026-11-24T09:00:00Z" },
    }],
})"""


@pytest.mark.requirement("E3")
async def test_what_waits_is_said_also_to_a_rep_who_was_signed_out(
    browser: BrowserContext, rep: Person
) -> None:
    await (await worker_of(browser)).evaluate(_WAITING, rep.address)
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    await expect(popup.locator("body")).to_contain_text("1 waiting to be logged")
    await expect(popup.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.requirement("T5", "T6")
async def test_details_tell_place_and_device_or_why_not(
    signed_in: tuple[BrowserContext, GmailStandIn], api: Rep
) -> None:
    browser, _ = signed_in
    prepared = await api.prepare([{"address": "ann@recipient.example"}], [], subject="From where")
    await api.confirm_sent(prepared)
    await load_pixel(api.http, prepared["pixel_url"])
    await reading_time()
    await load_pixel(api.http, prepared["pixel_url"], {**_CHROME, "X-Forwarded-For": "133.11.0.1"})
    await until(lambda: _placed(api, prepared["message_id"]), "the place of the second open")
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    row = popup.locator("article.mail", has_text="From where")
    await row.get_by_role("button", name="Details").click()
    await expect(row.locator(".origin").first).to_contain_text("Japan · Chrome on Windows")
    await expect(row.locator(".origin").nth(1)).to_contain_text("a mail provider's proxy loaded it")
    await expect(row.get_by_role("link", name="IP Geolocation by DB-IP")).to_be_visible()
    await popup.close()


async def _placed(api: Rep, message_id: str) -> bool | None:
    row = await api.feed_row(message_id)
    return True if row and any(one["place"] for one in row["engagements"]) else None
