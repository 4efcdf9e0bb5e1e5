"""The whole story, from a ticked box to what the rep is told, and nobody else is told of it."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Playwright, expect

from deploy.local.rep import Rep, reading_time, until
from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import EXECUTABLE, EXTENSION_ID, EXTENSION_ORIGIN, contacted, net_log, rep_browser
from tests.e2e.rep import new_compose, notifications, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn
from tests.e2e.test_compose import new_contact

LINK = "https://www.example.com/offer?a=1&copy=2&sig=%2Fx%3D"
GMAIL_ORIGIN = "https://mail.google.com/"
# Where sign-in ends: Chromium takes the code from this address, which leads nowhere, and goes no further.
SIGNED_IN = f"https://{EXTENSION_ID}.chromiumapp.org/sign-in?"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.requirement("T1", "T2", "T3", "T6", "L1")
async def test_a_tracked_mail_is_opened_and_nobody_else_hears_of_it(
    stack: Stack,
    api: Rep,
    gmail: GmailStandIn,
    rep: Person,
    playwright: Playwright,
    extension: Path,
    tmp_path: Path,
) -> None:
    profile = tmp_path / "rep"
    await new_contact(api, "story@recipient.example")
    async with rep_browser(playwright, profile, extension, gmail.port) as browser:
        await whole_story(stack, browser, gmail, rep, playwright)
    ours = tuple(f"{stack.addresses[part]}/" for part in ("app_url", "api_url", "push_url"))
    asked = contacted(net_log(profile))
    for address in (*ours, f"{GMAIL_ORIGIN}sync/"):
        assert any(url.startswith(address) for url in asked), f"the log says nothing of {address}"
    assert not [url for url in asked if not url.startswith((*ours, GMAIL_ORIGIN, SIGNED_IN))]


async def whole_story(
    stack: Stack, browser: BrowserContext, gmail: GmailStandIn, rep: Person, playwright: Playwright
) -> None:
    """Compose, send, opened at the recipient's, pop-up, popup."""
    page = await open_gmail(browser)
    await sign_in(browser, rep, stack.addresses["app_url"])
    await page.bring_to_front()
    compose = await new_compose(page)
    await expect(compose.track).to_be_checked()
    await expect(compose.log).to_be_checked()
    await compose.write(
        "story@recipient.example",
        "開封 test",
        f'<p>Hello <a href="{LINK.replace("&", "&amp;")}">offer</a></p>',
    )
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    mail = await gmail.sent(1)
    tracking = stack.addresses["tracking_url"]
    assert mail.html.count(f"{tracking}/o/") == 1
    assert mail.html.count(f"{tracking}/c/") == 1
    assert LINK not in mail.html

    await reading_time()
    async with await playwright.chromium.launch(
        executable_path=str(EXECUTABLE), args=["--no-sandbox"]
    ) as recipient:
        reader = await recipient.new_page(user_agent=FIREFOX)
        await reader.set_content(mail.html)
        image = reader.locator("img")
        await expect(image).to_have_js_property("complete", True)
        assert await image.evaluate("(image) => image.naturalWidth") == 1

    async def told() -> str | None:
        shown = await notifications(browser)
        return next((name for name in shown if name.startswith("raised ")), None)

    await until(told, "the desktop notification, after the hold of a browser so soon after Send", 20.0)
    popup = await browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    row = popup.locator("article.mail", has_text="開封 test")
    await expect(row).to_have_attribute("data-state", "opened")
    await expect(row.locator(".state")).to_contain_text("Opened")

    async with browser.expect_page() as opening:
        await row.get_by_role("button", name="Open record").click()
    contact = await opening.value
    rows = contact.locator(".timeline li", has_text="開封 test")
    # The rep's profile is in Japanese: opened, and logged before that.
    await expect(rows.locator("strong")).to_have_text(["開封", "ログしたメール"])
