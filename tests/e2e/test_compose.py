"""Boxes, badges, drafts, and what is asked of the server when Send is pressed."""

import os
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.seed import Person
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.rep import ComposeWindow, new_compose, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn


@pytest.fixture
async def api(stack: Stack, rep: Person) -> AsyncIterator[Rep]:
    """The server as an API client of the same rep sees it."""
    async with httpx.AsyncClient() as http:
        token = await access_token(http, stack.addresses["app_url"], rep.address, rep.password)
        yield Rep(http, stack.addresses, token, rep.address)


@pytest.fixture
async def page(browser: BrowserContext, rep: Person, stack: Stack) -> Page:
    """Gmail, signed in to the server."""
    page = await open_gmail(browser)
    await sign_in(browser, rep, stack.addresses["app_url"])
    await page.bring_to_front()
    return page


async def new_contact(api: Rep, address: str) -> Json:
    """A contact with this address."""
    answer = await api.http.post(
        f"{api.app_url}/v1/contacts",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"name": address.partition("@")[0].title(), "addresses": [address]},
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def logged_subjects(api: Rep, contact: Json) -> list[str]:
    """Subjects of the mails on a contact's timeline."""
    rows = (await api.get(f"/v1/contacts/{contact['id']}/timeline"))["items"]
    return [str(row) for row in rows]


@pytest.mark.requirement("L1", "L3", "L4")
async def test_a_known_contact_has_a_badge_and_gets_the_mail_on_its_timeline(
    page: Page, gmail: GmailStandIn, api: Rep
) -> None:
    contact = await new_contact(api, "known@recipient.example")
    compose = await new_compose(page)
    await compose.write("known@recipient.example", "First contact", "<p>Hello</p>")
    await expect(compose.window.locator("[role=option] .kaifu-badge")).to_be_visible(timeout=15_000)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    gmail.sent(1)

    async def on_timeline() -> bool | None:
        return any("First contact" in row for row in await logged_subjects(api, contact)) or None

    await until(on_timeline, "the mail on the contact's timeline", 15.0)


async def test_a_stranger_is_offered_as_a_new_contact(page: Page) -> None:
    compose = await new_compose(page)
    await compose.write("stranger@recipient.example", "First contact", "<p>Hello</p>")
    await compose.window.locator(".kaifu-records").click()
    menu = page.locator(".kaifu-menu")
    await expect(menu).to_contain_text("Create as new contact", timeout=15_000)
    await menu.get_by_label("stranger@recipient.example").uncheck()
    await page.keyboard.press("Escape")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (0)")


@pytest.mark.requirement("T1", "L1")
async def test_with_both_boxes_off_the_server_is_not_asked(
    page: Page, gmail: GmailStandIn, browser: BrowserContext
) -> None:
    compose = await new_compose(page)
    html = '<p>Plain <a href="https://www.example.com/?a=1&amp;b=2">link</a></p>'
    await compose.write("plain@recipient.example", "Plain", html)
    await compose.track.uncheck()
    await compose.log.uncheck()
    await compose.send()
    assert gmail.sent(1).html == html
    worker = await worker_of(browser)
    kept = await worker.evaluate("chrome.storage.local.get(['known', 'queue'])")
    assert kept.get("known", []) == []
    assert kept.get("queue", []) == []


@pytest.mark.requirement("T1", "L1", "E2")
async def test_a_reopened_draft_keeps_its_choices(page: Page) -> None:
    compose = await new_compose(page)
    await compose.track.uncheck()
    draft = await compose.window.locator("input[name=draft]").input_value()
    await compose.window.locator(".close").click()
    await page.evaluate("(draft) => window.standIn.open({ draft })", draft.removeprefix("#msg-a:"))
    reopened = ComposeWindow(page)
    await expect(reopened.track).not_to_be_checked(timeout=10_000)
    await expect(reopened.log).to_be_checked()


async def test_a_server_that_never_answers(
    page: Page, gmail: GmailStandIn, stack: Stack, browser: BrowserContext, api: Rep
) -> None:
    contact = await new_contact(api, "late@recipient.example")
    compose = await new_compose(page)
    await compose.write("late@recipient.example", "While you were away", "<p>Hello</p>")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)", timeout=10_000)
    os.kill(stack.pids["ingest"], signal.SIGSTOP)
    try:
        begun = await page.evaluate("performance.now()")
        await compose.send()
        mail = gmail.sent(1)
        assert await page.evaluate("performance.now()") - begun < 2500  # 1.5 s, and a busy machine
        assert "<img" not in mail.html
        await expect(page.locator(".kaifu-warning")).to_contain_text("Sent without tracking", timeout=10_000)
        await expect(page.locator(".kaifu-warning")).to_contain_text("logged as soon as")
    finally:
        os.kill(stack.pids["ingest"], signal.SIGCONT)
    worker = await worker_of(browser)
    await worker.evaluate("self.dispatchEvent(new Event('online'))")

    async def on_timeline() -> bool | None:
        return any("While you were away" in row for row in await logged_subjects(api, contact)) or None

    await until(on_timeline, "the mail on the contact's timeline", 15.0)
    assert sum("While you were away" in row for row in await logged_subjects(api, contact)) == 1


@pytest.mark.requirement("T8")
async def test_a_compose_window_that_is_not_understood_is_said(page: Page) -> None:
    await page.evaluate("window.standIn.openUnknown()")
    await expect(page.locator(".kaifu-warning")).to_contain_text("does not recognise", timeout=5000)
    await page.locator(".unknown-window button").click()
    assert await page.locator("body").get_attribute("data-sent") == "1"


@pytest.mark.requirement("T8")
async def test_nothing_is_said_of_windows_that_are_understood(page: Page) -> None:
    compose = await new_compose(page)
    await page.wait_for_timeout(6000)  # longer than the watch waits before it speaks
    await expect(compose.track).to_be_visible()
    await expect(page.locator(".kaifu-warning")).to_have_count(0)
