"""The README's picture: the feed of the running stack (`make up`) with a toast.

python -m tests.integration.screenshots docs/images/feed.png

Pictures of all pages are taken by the tests themselves: see tests/integration/pictures.py.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, expect

from deploy.local.home import default_home
from deploy.local.rep import GMAIL_PROXY, Json, Rep
from deploy.local.seed import Person, known_sign_ins, people
from shared.auth.tokens import Role
from tests.integration.browser import chromium, sign_in, until_live, watched
from tests.integration.client import signed_in
from tests.integration.demo_mail import MAILS, OLIVIA, Mail, send
from tests.integration.pictures import HEIGHT, WIDTHS

_ENGLISH = 1  # the demo account's second rep; the first is Japanese


async def picture(browser: Browser, rep: Rep, who: Person, path: Path) -> None:
    """The feed while a toast tells of an open."""
    viewport = {"width": WIDTHS["desk"], "height": HEIGHT}
    async with watched(browser, locale="en", viewport=viewport) as (context, _):
        page = await context.new_page()
        await sign_in(page, rep.app_url, who)
        await until_live(page)
        await send(rep, Mail("Pilot: results of the first week", (OLIVIA,), (GMAIL_PROXY,)))
        await expect(page.locator(".toast")).to_have_count(1)
        await expect(page.locator(".mail").first.locator(".state")).to_have_text("Opened")
        await page.locator(".mail").nth(1).locator("summary").click()
        await page.locator(".engagements").wait_for()
        await page.mouse.move(5, 5)
        await expect(page.locator(".mail.changed").first).to_have_css("animation-name", "flash")
        await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        await page.screenshot(path=path)


async def main(paths: Sequence[str]) -> None:
    """Exit with a sentence when nothing runs."""
    if len(paths) != 1:
        sys.exit("usage: python -m tests.integration.screenshots PATH")
    home = default_home()
    addresses: Json | None = home.running()
    if addresses is None:
        sys.exit("Kaifu is not running: `make up` first")
    sign_ins = known_sign_ins(home)
    who = people(sign_ins, Role.REP)[_ENGLISH]
    async with chromium() as browser, signed_in(addresses, sign_ins, number=_ENGLISH) as rep:
        for mail in MAILS["en"]:
            await send(rep, mail)
        await picture(browser, rep, who, Path(paths[0]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
