"""Mail that did not go out after all: Undo, a failed send, a discarded draft."""

import pytest
from playwright.async_api import expect

from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.records import new_contact
from tests.e2e.rep import ComposeWindow, Desk, new_compose
from tests.e2e.test_scheduled import HTML, LINK, posts, record, rows, the_row


async def taken_back(desk: Desk) -> ComposeWindow:
    """Press Undo; the window that opens again."""
    await desk.page.get_by_text("Undo", exact=True).click()
    again = ComposeWindow(desk.page)
    await expect(again.track).to_be_checked()
    return again


@pytest.mark.requirement("T1", "L1", "L2")
async def test_undo_calls_it_off_and_a_second_send_is_one_mail(desk: Desk, api: Rep, stack: Stack) -> None:
    contact = await new_contact(api, "undo@recipient.example")
    compose = await new_compose(desk.page)
    await compose.write("undo@recipient.example", "Undone", HTML)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    first = await desk.gmail.sent(1)
    await the_row(api, "Undone")
    again = await taken_back(desk)
    assert desk.gmail.undone == [first]
    body = again.window.locator("[g_editable]")
    await expect(body.locator("a")).to_have_attribute("href", LINK)
    await expect(body.locator("img")).to_have_count(0)

    async def gone() -> bool | None:
        return await rows(api, "Undone") == [] or None

    await until(gone, "the mail out of the feed", 10.0)
    await again.window.locator("[g_editable] p").evaluate("(text) => { text.prepend('Dear Ann, '); }")
    await again.send()
    mail = await desk.gmail.sent(1)
    tracking = stack.addresses["tracking_url"]
    assert mail.html.count(f"{tracking}/o/") == mail.html.count(f"{tracking}/c/") == 1
    assert mail.html.startswith("<p>Dear Ann, ")
    await the_row(api, "Undone")

    async def logged() -> list[Json] | None:
        timeline = (await api.get(f"/v1/contacts/{contact['id']}/timeline"))["items"]
        return [row for row in timeline if row["type"] == "email"] or None

    assert len(await until(logged, "the mail on the timeline", 15.0)) == 1


@pytest.mark.requirement("T1")
async def test_a_send_that_gmail_refuses_is_sent_once_when_it_is_pressed_again(
    desk: Desk, api: Rep, stack: Stack
) -> None:
    compose = await new_compose(desk.page)
    await compose.write("oops@recipient.example", "Refused", HTML)
    desk.gmail.failing = True
    try:
        await compose.send()
        await expect(desk.page.get_by_text("there was a problem")).to_be_visible()
    finally:
        desk.gmail.failing = False
    again = ComposeWindow(desk.page)
    await expect(again.track).to_be_checked()
    await again.send()
    mail = await desk.gmail.sent(1)
    assert mail.html.count(f"{stack.addresses['tracking_url']}/o/") == 1
    await the_row(api, "Refused")


@pytest.mark.requirement("T1")
async def test_a_discarded_mail_is_never_asked_for(desk: Desk) -> None:
    await record(desk)
    compose = await new_compose(desk.page)
    await compose.write("never@recipient.example", "Never", HTML)
    await compose.window.get_by_label("Discard").click()
    await expect(compose.window).to_have_count(0)
    assert await posts(desk, "/v1/messages") == []
