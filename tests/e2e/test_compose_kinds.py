"""Every kind of compose window: boxes, preparation and the pixel in what is sent."""

import pytest
from playwright.async_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.rep import ComposeWindow, Desk, answer, new_compose, open_thread
from tests.e2e.standin.server import Mail

OLD_PIXEL = "/o/AAAAold"
OLD_LINK = "/c/AAAAold"


def quoting(tracking: str) -> str:
    """What a recipient answered, with the rep's earlier mail quoted as it came."""
    quoted = f'Hello <a href="{tracking}{OLD_LINK}">offer</a><img src="{tracking}{OLD_PIXEL}" width="1">'
    return f'<p>Interesting!</p><div class="gmail_quote"><blockquote>{quoted}</blockquote></div>'


async def append(compose: ComposeWindow, html: str) -> None:
    """Write above what stands in the window."""
    body = compose.window.locator("[g_editable]")
    await body.evaluate("(body, html) => body.insertAdjacentHTML('afterbegin', html)", html)


def assert_newly_tracked(mail: Mail, tracking: str) -> None:
    """One pixel, a new one, before what is quoted; tracked links in the quote as they were."""
    assert mail.html.count(f"{tracking}/o/") == 1
    assert OLD_PIXEL not in mail.html
    quote = mail.html.index("gmail_quote")
    assert mail.html.index(f"{tracking}/o/") < quote
    assert mail.html.index(f"{tracking}{OLD_LINK}") > quote
    assert mail.html.index(f"{tracking}/c/") < quote


@pytest.mark.requirement("T1", "T2", "L1", "B5")
@pytest.mark.parametrize("kind", ["reply", "reply-all", "forward"])
async def test_an_answer_within_the_thread(kind: str, desk: Desk, stack: Stack) -> None:
    tracking = stack.addresses["tracking_url"]
    everybody = (desk.gmail.account, "bob@recipient.example")
    received = desk.gmail.receive(
        "ann@recipient.example", "Re: Offer", quoting(tracking), to=everybody, to_line=everybody
    )
    await open_thread(desk.page, received)
    compose = await answer(desk.page, kind)
    await expect(compose.track).to_be_checked()
    await expect(compose.log).to_be_checked()
    await append(compose, '<p>See <a href="https://www.example.com/new">this</a></p>')
    if kind == "forward":
        box = compose.window.get_by_role("combobox", name="to")
        await box.fill("cy@recipient.example")
        await box.press("Enter")
    await compose.send()
    mail = await desk.gmail.sent(1)
    assert_newly_tracked(mail, tracking)
    assert "https://www.example.com/new" not in mail.html
    to = {"reply": ["ann"], "reply-all": ["ann", "bob"], "forward": ["cy"]}[kind]
    assert mail.to == tuple(f"{name}@recipient.example" for name in to)


@pytest.mark.requirement("T1", "L1", "B5")
async def test_a_popped_out_reply_keeps_its_choices(desk: Desk, stack: Stack) -> None:
    tracking = stack.addresses["tracking_url"]
    await open_thread(desk.page, desk.gmail.receive("ann@recipient.example", "Re: Offer", quoting(tracking)))
    inline = await answer(desk.page, "reply")
    await inline.log.uncheck()
    await inline.window.locator(".pop-out").click()
    popped = ComposeWindow(desk.page)
    await expect(popped.log).not_to_be_checked()
    await expect(popped.track).to_be_checked()
    await append(popped, '<p>See <a href="https://www.example.com/new">this</a></p>')
    await popped.window.get_by_label("Show trimmed content").click()
    await expect(popped.window.locator("[g_editable] blockquote").first).to_be_visible()
    # The quote's pixel is gone before the window could load it.
    await expect(popped.window.locator(f'[g_editable] img[src*="{OLD_PIXEL}"]')).to_have_count(0)
    await popped.send()
    assert_newly_tracked(await desk.gmail.sent(1), tracking)


@pytest.mark.requirement("T1")
async def test_full_screen_and_back(desk: Desk, stack: Stack) -> None:
    compose = await new_compose(desk.page)
    await compose.write("ann@recipient.example", "Large", "<p>Hello</p>")
    await compose.log.uncheck()
    for _ in range(2):
        await compose.window.locator(".full").click()
        await expect(desk.page.locator(".aSs .aSt .kaifu-bar")).to_have_count(1)
        await expect(compose.log).not_to_be_checked()
        await compose.window.locator(".full").click()
        await expect(desk.page.locator(".no .kaifu-bar")).to_have_count(1)
    await compose.window.locator(".minimise").click()
    await expect(compose.track).to_be_hidden()
    await compose.window.locator(".minimise").click()
    await compose.window.locator(".full").click()
    await expect(desk.page.locator(".aSs .aSt .kaifu-bar")).to_have_count(1)
    await expect(compose.log).not_to_be_checked()
    await compose.send()
    mail = await desk.gmail.sent(1)
    assert mail.html.count(f"{stack.addresses['tracking_url']}/o/") == 1
    await expect(desk.page.locator(".kaifu-warning")).to_have_count(0)


async def new_window(page: Page, name: str, html: str) -> ComposeWindow:
    """A further window, found again by its draft whichever others are closed."""
    opened = await new_compose(page)
    draft = await opened.draft()
    window = page.locator(f'[role=dialog]:has(input[name=draft][value="#msg-a:{draft}"])')
    compose = ComposeWindow(page, window=window)
    await compose.write(f"{name}@recipient.example", name, html)
    return compose


@pytest.mark.requirement("T1", "L1", "E2")
async def test_three_windows_at_once_each_with_its_own_choices(desk: Desk, stack: Stack) -> None:
    tracking = stack.addresses["tracking_url"]
    ann, bob, cy = [await new_window(desk.page, name, f"<p>Dear {name}</p>") for name in ("ann", "bob", "cy")]
    await bob.track.uncheck()
    await cy.log.uncheck()
    await bob.send()
    assert (await desk.gmail.sent(1)).html == "<p>Dear bob</p>"
    for compose, logged in ((ann, True), (cy, False)):
        await expect(compose.track).to_be_checked()
        await expect(compose.log).to_be_checked(checked=logged)
    await cy.send()
    await ann.send()
    await desk.gmail.sent(3)
    sent = {mail.subject: mail.html for mail in desk.gmail.mails}
    pixels = {sent[name].partition(f"{tracking}/o/")[2].partition('"')[0] for name in ("ann", "cy")}
    assert len(pixels) == 2
    assert all(sent[name].startswith(f"<p>Dear {name}</p><img ") for name in ("ann", "cy"))


@pytest.mark.requirement("T1")
async def test_sent_by_the_keyboard(desk: Desk, stack: Stack) -> None:
    compose = await new_compose(desk.page)
    await compose.write("ann@recipient.example", "Keys", "<p>Hello</p>")
    await compose.window.locator("[g_editable]").press("Control+Enter")
    mail = await desk.gmail.sent(1)
    assert mail.html.count(f"{stack.addresses['tracking_url']}/o/") == 1


@pytest.mark.requirement("T1", "T2")
async def test_a_mail_that_gmail_clips_has_its_pixel_where_it_is_loaded(desk: Desk, stack: Stack) -> None:
    compose = await new_compose(desk.page)
    long = "".join(f"<p>Line {number}</p>" for number in range(8000))
    assert len(long) > 102 * 1024
    await compose.write("ann@recipient.example", "Long", long)
    await compose.send()
    mail = await desk.gmail.sent(1)
    assert mail.html.index(f"{stack.addresses['tracking_url']}/o/") < 90 * 1024
    assert mail.html.endswith(long[-100:])
