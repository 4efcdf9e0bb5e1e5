"""What a rep sees, in both languages; the pictures are in extension/screenshots."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from deploy.local.rep import http_client, load_pixel
from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN, rep_browser
from tests.e2e.rep import answer, new_compose, open_gmail, open_thread, sign_in
from tests.e2e.standin.server import GmailStandIn, serving

PICTURES = Path(__file__).resolve().parents[2] / "extension" / "screenshots"
WORDS = {
    "en": ("Track", "Log", "Create as new contact", "Activity feed", "Opened"),
    "ja": ("トラック", "ログ", "新規コンタクトとして作成", "アクティビティーフィード", "開封"),
}


@pytest.mark.requirement("T1", "T6", "L1", "L4", "L5", "B10")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_screens(
    language: str, stack: Stack, rep: Person, playwright: Playwright, extension: Path, tmp_path: Path
) -> None:
    track, log, create, feed, opened = WORDS[language]
    PICTURES.mkdir(exist_ok=True)
    with serving(GmailStandIn(rep.address, language)) as gmail:
        async with rep_browser(playwright, tmp_path / "rep", extension, gmail.port, language) as browser:
            page = await open_gmail(browser)
            options = await browser.new_page()
            await options.goto(f"{EXTENSION_ORIGIN}/options.html")
            await expect(options.locator("html")).to_have_attribute("lang", language)
            await options.screenshot(path=PICTURES / f"options-signed-out-{language}.png", full_page=True)
            await sign_in(browser, rep, stack.addresses["app_url"])
            await options.reload()
            await expect(options.locator(".account .row button")).to_have_count(2)
            await options.screenshot(path=PICTURES / f"options-{language}.png", full_page=True)

            await page.bring_to_front()
            compose = await new_compose(page)
            await compose.write(
                f"ren-{language}@recipient.example", f"Kaifu {language} 開封 🎉", "<p>Hello</p>"
            )
            await expect(compose.window.get_by_label(track, exact=True)).to_be_checked()
            await expect(compose.window.get_by_label(log, exact=True)).to_be_checked()
            await compose.window.locator(".kaifu-records").click()
            await expect(page.locator(".kaifu-menu:popover-open")).to_contain_text(create)
            await page.screenshot(path=PICTURES / f"compose-{language}.png")
            await page.keyboard.press("Escape")
            await compose.window.locator(".kaifu-never").click()
            await expect(page.locator(".kaifu-menu:popover-open .kaifu-row")).to_have_count(4)
            await page.screenshot(path=PICTURES / f"compose-never-{language}.png")
            await page.keyboard.press("Escape")
            await compose.send()
            mail = await gmail.sent(1)
            await open_in_a_reader(mail.html)

            popup = await browser.new_page()
            await popup.set_viewport_size({"width": 400, "height": 560})
            await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
            await expect(popup.locator("h1")).to_have_text(feed)
            row = popup.locator("article.mail", has_text=f"Kaifu {language}")
            await expect(row.locator(".state")).to_contain_text(opened, timeout=20_000)
            await row.locator("button").first.click()
            await expect(row.locator("li")).to_have_count(1)
            await popup.screenshot(path=PICTURES / f"popup-{language}.png")

            await popup.set_viewport_size({"width": 1280, "height": 800})
            await popup.goto(f"{stack.addresses['app_url']}/feed")
            await expect(popup.locator("main")).to_contain_text(f"Kaifu {language}")
            await popup.screenshot(path=PICTURES / f"feed-{language}.png")

            await page.bring_to_front()
            message = await open_thread(page, mail)
            await expect(message.locator(".kaifu-status")).to_be_visible()
            await page.screenshot(path=PICTURES / f"thread-{language}.png")
            reply = await answer(page, "reply")
            await expect(reply.window.get_by_label(track, exact=True)).to_be_checked()
            await page.screenshot(path=PICTURES / f"reply-{language}.png")


async def open_in_a_reader(html: str) -> None:
    """Gmail's proxy fetches the pixel, as for a recipient who looks at the mail."""
    found = re.search(r'src="([^"]+/o/[^"]+)"', html)
    assert found
    async with http_client() as http:
        await load_pixel(http, found[1])
