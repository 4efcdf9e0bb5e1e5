"""The rep's own mail in Gmail's thread view, and others' mail there."""

import re

import pytest
from playwright.async_api import Page, Request, expect

from deploy.local.rep import BROWSER, Json, Rep, follow_link, load_pixel, reading_time, until
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.rep import Desk, new_compose, open_thread
from tests.e2e.standin.server import Mail

PROXY = "https://ci3.googleusercontent.com/meips/"
_RECORD_VIEWINGS = """() => {
    self.viewings = [];
    self.unrecorded = self.fetch;
    self.fetch = (url, options, ...more) => {
        if (String(url).endsWith("/v1/viewing")) self.viewings.push(...JSON.parse(options.body).message_ids);
        return self.unrecorded(url, options, ...more);
    };
}"""
_RECORDED = "() => { self.fetch = self.unrecorded; return self.viewings; }"


async def send_tracked(desk: Desk, subject: str, html: str = "<p>Hello</p>") -> Mail:
    """A tracked mail that is not logged."""
    count = len(desk.gmail.mails) + 1
    compose = await new_compose(desk.page)
    await compose.write("ann@recipient.example", subject, html)
    await compose.log.uncheck()
    await compose.send()
    return await desk.gmail.sent(count)


def tracked_address(mail: Mail, kind: str) -> str:
    """The address of the pixel (`o`) or of the link (`c`) in a mail."""
    found = re.search(rf'"(http[^"]*/{kind}/[^"]+)"', mail.html)
    assert found is not None
    return found.group(1)


async def row_of(api: Rep, subject: str) -> Json:
    """The feed's row of the newest mail with this subject."""

    async def look() -> Json | None:
        rows = (await api.get("/v1/feed"))["items"]
        return next((row for row in rows if row["subject"] == subject), None)

    return await until(look, "the mail in the feed", 15.0)


async def shows(api: Rep, message_id: str, field: str, count: int) -> None:
    """Wait until the server's row says so."""

    async def look() -> bool | None:
        row = await api.feed_row(message_id)
        return True if row is not None and row[field] == count else None

    await until(look, f"{count} {field}", 15.0)


async def open_from(api: Rep, mail: Mail, host: int) -> None:
    """A recipient opens it, each time in another place."""
    await load_pixel(
        api.http, tracked_address(mail, "o"), {**BROWSER, "X-Forwarded-For": f"203.0.113.{host}"}
    )


@pytest.mark.requirement("T3", "B4")
async def test_the_status_of_own_mail_follows_while_its_thread_is_open(desk: Desk, api: Rep) -> None:
    page = desk.page
    sent = await send_tracked(desk, "Followed", '<p>See <a href="https://www.example.com/">this</a></p>')
    answered = desk.gmail.receive(
        "ann@recipient.example", "Re: Followed", "<p>Thanks</p>", thread_id=sent.thread_id
    )
    message_id = (await row_of(api, "Followed"))["message_id"]
    received = await open_thread(page, answered)
    own = page.locator(f'[role=listitem]:has([data-legacy-message-id="{sent.hex_id}"])')
    await own.locator(".adf").click()
    status = own.locator(".kaifu-status")
    await expect(status).to_have_text("Sent, not opened yet")
    await reading_time()
    for opens in (1, 2):
        await open_from(api, sent, opens)
        await shows(api, message_id, "opens", opens)
        await expect(status).to_contain_text(f"Opened {opens}×", timeout=2000)
    await reading_time()  # nobody opens a mail and follows its link within a second
    await follow_link(api.http, tracked_address(sent, "c"))
    await shows(api, message_id, "clicks", 1)
    await expect(status).to_contain_text("clicked 1×", timeout=2000)

    await own.locator(".gE").click()
    await expect(status).to_be_hidden()
    await page.evaluate("window.standIn.forgetful = true")  # some views make a body anew
    await own.locator(".adf").click()
    await expect(status).to_contain_text("clicked 1×")
    await page.evaluate("location.hash = '#inbox'")
    await expect(own).to_be_hidden()
    await open_thread(page, sent)
    await reading_time()
    await open_from(api, sent, 3)
    await expect(page.locator(".kaifu-status")).to_have_text([re.compile("Opened 3×")])
    await expect(received.locator(".kaifu-status")).to_have_count(0)


def tracking_requests(page: Page, tracking: str) -> list[Request]:
    """What the page asks of the tracking host from now on, except what the browser refuses."""
    asked: list[Request] = []

    def begun(request: Request) -> None:
        if request.url.startswith(tracking):
            asked.append(request)

    def refused(request: Request) -> None:
        if request in asked:
            asked.remove(request)

    page.on("request", begun)
    page.on("requestfailed", refused)
    return asked


@pytest.mark.requirement("B4", "B5")
async def test_own_pixels_are_taken_out_and_exactly_the_mail_on_screen_is_reported(
    desk: Desk, stack: Stack, api: Rep
) -> None:
    page, gmail = desk.page, desk.gmail
    tracking = stack.addresses["tracking_url"]
    shown, quoted, other = [await send_tracked(desk, name) for name in ("Shown", "Quoted", "Not shown")]
    ids = {name: (await row_of(api, name))["message_id"] for name in ("Shown", "Quoted", "Not shown")}
    foreign = f"{PROXY}x=s0#https://kaifu.other.example/o/theirs"
    own_twice = f'<img src="{tracked_address(quoted, "o")}">' * 2
    html = f'<p>Hi</p>{own_twice}<img src="{foreign}">'
    received = gmail.receive("bob@recipient.example", "Theirs", html, raw=True, thread_id=shown.thread_id)
    asked = tracking_requests(page, tracking)
    worker = await worker_of(desk.browser)
    await worker.evaluate(_RECORD_VIEWINGS)
    theirs = await open_thread(page, received)
    await expect(theirs.locator(".ii img")).to_have_count(1)
    assert await theirs.locator(".ii img").get_attribute("src") == foreign
    own = page.locator(f'[role=listitem]:has([data-legacy-message-id="{shown.hex_id}"])')
    # As Gmail shows it, through its proxy; it is put there when the rep opens the message.
    await own.locator(".adf").click()
    await expect(own.locator(".ii")).to_have_text("Hello")
    await expect(own.locator(".kaifu-status")).to_be_visible()
    await expect(own.locator(".ii img")).to_have_count(0)

    async def reported() -> list[str] | None:
        seen: list[str] = await worker.evaluate("self.viewings")
        return seen if len(seen) >= 2 else None

    await until(reported, "both views reported")
    assert sorted(await worker.evaluate(_RECORDED)) == sorted([ids["Shown"], ids["Quoted"]])
    assert asked == []
    assert other.html.count(f"{tracking}/o/") == 1
