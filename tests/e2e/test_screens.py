"""What a rep sees, in both languages; the pictures are in extension/screenshots."""

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from deploy.local.seed import Person
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN, rep_browser
from tests.e2e.rep import new_compose, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn, serving

PICTURES = Path(__file__).resolve().parents[2] / "extension" / "screenshots"
WORDS = {
    "en": ("Track", "Log", "Create as new contact", "Activity feed", "Sent"),
    "ja": ("トラック", "ログ", "新規コンタクトとして作成", "アクティビティーフィード", "送信済み"),
}


@pytest.mark.requirement("T1", "T6", "L1", "L4", "L5", "B10")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_screens(
    language: str, stack: Stack, rep: Person, playwright: Playwright, extension: Path, tmp_path: Path
) -> None:
    track, log, create, feed, sent = WORDS[language]
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
            await compose.write("ren@recipient.example", f"Kaifu {language} 開封 🎉", "<p>Hello</p>")
            await expect(compose.window.get_by_label(track, exact=True)).to_be_checked()
            await expect(compose.window.get_by_label(log, exact=True)).to_be_checked()
            await compose.window.locator(".kaifu-records").click()
            await expect(page.locator(".kaifu-menu:popover-open")).to_contain_text(create, timeout=15_000)
            await page.screenshot(path=PICTURES / f"compose-{language}.png")
            await page.keyboard.press("Escape")
            await compose.send()
            await gmail.sent(1)

            popup = await browser.new_page()
            await popup.set_viewport_size({"width": 400, "height": 560})
            await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
            await expect(popup.locator("h1")).to_have_text(feed)
            row = popup.locator("article.mail", has_text=f"Kaifu {language}")
            await expect(row.locator(".state")).to_contain_text(sent, timeout=10_000)
            await popup.screenshot(path=PICTURES / f"popup-{language}.png")
