"""Boxes, badges, drafts, and what is asked of the server when Send is pressed."""

import os
import signal

import pytest
from playwright.async_api import expect

from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.records import logged, new_contact
from tests.e2e.rep import ComposeWindow, Desk, new_compose

_KEPT = "Promise.all([chrome.storage.local.get('queue'), chrome.storage.session.get('underWay')])"
_RECORD_REQUESTS = f"""async () => {{
    self.asked = [];
    self.unrecorded = self.fetch;
    self.fetch = (url, ...more) => {{ self.asked.push(String(url)); return self.unrecorded(url, ...more); }};
    return {_KEPT};
}}"""
_RECORDED = f"""async () => {{
    self.fetch = self.unrecorded;
    return {{ kept: await {_KEPT}, asked: self.asked }};
}}"""


async def logged_subjects(api: Rep, contact: Json) -> list[str]:
    """Subjects of the mails on a contact's timeline."""
    rows = (await api.get(f"/v1/contacts/{contact['id']}/timeline"))["items"]
    return [str(row) for row in rows]


@pytest.mark.requirement("L1", "L3", "L4")
async def test_a_known_contact_has_a_badge_and_gets_the_mail_on_its_timeline(desk: Desk, api: Rep) -> None:
    contact = await new_contact(api, "known@recipient.example")
    compose = await new_compose(desk.page)
    await compose.write("known@recipient.example", "First contact", "<p>Hello</p>")
    await expect(compose.window.locator("[role=option] .kaifu-badge")).to_be_visible()
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    await desk.gmail.sent(1)

    async def on_timeline() -> bool | None:
        return any("First contact" in row for row in await logged_subjects(api, contact)) or None

    await until(on_timeline, "the mail on the contact's timeline", 15.0)


async def test_a_stranger_is_offered_as_a_new_contact(desk: Desk) -> None:
    compose = await new_compose(desk.page)
    await compose.write("stranger@recipient.example", "First contact", "<p>Hello</p>")
    await compose.window.locator(".kaifu-records").click()
    menu = desk.page.locator(".kaifu-menu:popover-open")
    await expect(menu).to_contain_text("Create as new contact")
    await menu.get_by_label("stranger@recipient.example").uncheck()
    await desk.page.keyboard.press("Escape")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (0)")


@pytest.mark.requirement("T1", "L1")
async def test_with_both_boxes_off_nobody_is_asked(desk: Desk) -> None:
    compose = await new_compose(desk.page)
    html = '<p>Plain <a href="https://www.example.com/?a=1&amp;b=2">link</a></p>'
    await compose.write("plain@recipient.example", "Plain", html)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.track.uncheck()
    await compose.log.uncheck()
    worker = await worker_of(desk.browser)
    before = await worker.evaluate(_RECORD_REQUESTS)
    of_the_page: list[str] = []
    desk.page.on("request", lambda request: of_the_page.append(request.url))
    await compose.send()
    assert (await desk.gmail.sent(1)).html == html
    await expect(desk.page.locator("body")).to_have_attribute("data-sent", "1")
    after = await worker.evaluate(_RECORDED)
    assert after == {"kept": before, "asked": []}
    assert [url for url in of_the_page if not url.startswith("https://mail.google.com/sync/")] == []


@pytest.mark.requirement("T1", "L1", "E2")
async def test_a_reopened_draft_keeps_its_choices(desk: Desk) -> None:
    compose = await new_compose(desk.page)
    await compose.track.uncheck()
    draft = await compose.window.locator("input[name=draft]").input_value()
    await compose.window.locator(".close").click()
    await desk.page.evaluate("(draft) => window.standIn.open({ draft })", draft.removeprefix("#msg-a:"))
    reopened = ComposeWindow(desk.page)
    await expect(reopened.track).not_to_be_checked()
    await expect(reopened.log).to_be_checked()


async def test_a_server_that_never_answers(desk: Desk, stack: Stack, api: Rep) -> None:
    page = desk.page
    contact = await new_contact(api, "late@recipient.example")
    compose = await new_compose(page)
    await compose.write("late@recipient.example", "While you were away", "<p>Hello</p>")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    os.kill(stack.pids["ingest"], signal.SIGSTOP)
    try:
        begun = await page.evaluate("performance.now()")
        await compose.send()
        mail = await desk.gmail.sent(1)
        assert await page.evaluate("performance.now()") - begun < 2500  # 1.5 s, and a busy machine
        assert "<img" not in mail.html
        await expect(page.locator(".kaifu-warning")).to_contain_text("Sent without tracking")
        await expect(page.locator(".kaifu-warning")).to_contain_text("logged as soon as")
    finally:
        os.kill(stack.pids["ingest"], signal.SIGCONT)
    worker = await worker_of(desk.browser)
    await worker.evaluate("self.dispatchEvent(new Event('online'))")

    async def on_timeline() -> bool | None:
        return any("While you were away" in row for row in await logged_subjects(api, contact)) or None

    await until(on_timeline, "the mail on the contact's timeline", 15.0)
    assert sum("While you were away" in row for row in await logged_subjects(api, contact)) == 1


@pytest.mark.requirement("T8")
async def test_a_compose_window_that_is_not_understood_is_said_and_no_other(desk: Desk) -> None:
    understood = await new_compose(desk.page)
    await expect(understood.track).to_be_visible()
    opened = await desk.page.evaluate("window.standIn.openUnknown(), performance.now()")
    warnings = desk.page.locator(".kaifu-warning")
    await expect(warnings.first).to_contain_text("does not recognise", timeout=5000)
    # By then both windows, the understood one for longer, have been open for as long as it may take.
    await desk.page.wait_for_function("(opened) => performance.now() - opened > 5000", arg=opened)
    await expect(warnings).to_have_count(1)
    await desk.page.locator(".unknown-window button").click()
    assert await desk.page.locator("body").get_attribute("data-sent") == "1"


@pytest.mark.requirement("L2", "L4")
async def test_a_record_that_was_searched_for_gets_the_mail_and_an_unticked_one_does_not(
    desk: Desk, api: Rep
) -> None:
    contact = await new_contact(api, "unticked@recipient.example")
    answer = await api.http.post(
        f"{api.app_url}/v1/companies",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"name": "探索 <b>KK</b>"},
    )
    assert answer.status_code == 201, answer.text
    compose = await new_compose(desk.page)
    await compose.write("unticked@recipient.example", "To the company", "<p>Hello</p>")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.window.locator(".kaifu-records").click()
    menu = desk.page.locator(".kaifu-menu:popover-open")
    await menu.get_by_role("searchbox").fill("探索")
    await menu.get_by_role("button", name="探索 <b>KK</b> · Company").click(timeout=10_000)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (2)")
    await menu.get_by_label("Unticked · Contact").uncheck()
    await desk.page.keyboard.press("Escape")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    await desk.gmail.sent(1)

    async def on_the_company() -> Json | None:
        return next(iter((await api.get(f"/v1/companies/{answer.json()['id']}/timeline"))["items"]), None)

    row = await until(on_the_company, "the mail on the company's timeline", 15.0)
    assert row["subject"] == "To the company"
    assert await logged(api, contact) == []


_HOLD_FIRST = """() => {
    const fetch = self.fetch;
    self.fetch = (url, ...more) => {
        if (!String(url).includes("/v1/compose-context?to=quick")) return fetch(url, ...more);
        self.fetch = fetch;
        self.held = true;
        return new Promise(() => undefined);
    };
}"""


@pytest.mark.requirement("L2", "L4")
async def test_a_mail_that_is_sent_before_its_recipients_are_known_is_logged_on_them(
    desk: Desk, api: Rep
) -> None:
    contact = await new_contact(api, "quick@recipient.example")
    compose = await new_compose(desk.page)
    worker = await worker_of(desk.browser)
    await worker.evaluate(_HOLD_FIRST)
    await compose.write("quick@recipient.example", "Quick", "<p>Hello</p>")

    async def asked() -> bool | None:
        return await worker.evaluate("() => self.held ?? null")  # type: ignore[no-any-return]

    await until(asked, "the question about the recipient, which gets no answer")
    await compose.send()
    assert "<img" in (await desk.gmail.sent(1)).html

    async def on_timeline() -> bool | None:
        return any("Quick" in row for row in await logged_subjects(api, contact)) or None

    await until(on_timeline, "the mail on the contact's timeline", 15.0)
