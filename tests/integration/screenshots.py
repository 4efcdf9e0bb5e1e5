"""Pictures of the pages of the running stack (`make up`), with mail of the demo account.

python -m tests.integration.screenshots                       # all, into var/screenshots
python -m tests.integration.screenshots docs/images/feed.png  # only the README's picture
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, expect

from deploy.local.home import default_home
from deploy.local.rep import BROWSER, GMAIL_PROXY, Json, Rep, follow_link, load_pixel, reading_time, until
from deploy.local.seed import Person, known_sign_ins, people
from shared.auth.tokens import Role
from tests.integration.browser import chromium, sign_in, until_live, watched
from tests.integration.client import signed_in

FOLDER = Path(__file__).parents[2] / "var" / "screenshots"
WIDTHS = {"desk": 1200, "phone": 360}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_APPLE_PROXY = {"User-Agent": "Mozilla/5.0", "X-Forwarded-For": "203.0.113.80"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send, and who fetches its pixel; `clicks` on its first link."""

    subject: str
    to: tuple[tuple[str, str], ...]
    fetchers: tuple[dict[str, str], ...] = ()
    clicks: int = 0


_OLIVIA = ("olivia@northwind.example", "Olivia Martin")
_ZOE = ("zoe@northwind.example", "Zoë Müller")
_LIAM = ("liam@northwind.example", "Liam Novak")
_YAMADA = ("yamada@sakura.example", "山田 花子")
_SUZUKI = ("suzuki@sakura.example", "鈴木 一郎")
_KOBAYASHI = ("kobayashi@minato.example", "小林 さくら")
MAILS = {
    "en": (
        Mail("Minutes of our call", (_LIAM, _ZOE)),
        Mail("Single sign-on: what we found", (_LIAM,), (_APPLE_PROXY,)),
        Mail("Agenda for Thursday", (_OLIVIA, _ZOE, _LIAM), (GMAIL_PROXY,)),
        Mail("Training slides and recording", (_ZOE,), (BROWSER,)),
        Mail("Renewal 2027: the offer as discussed", (_OLIVIA,), (GMAIL_PROXY,), clicks=1),
    ),
    "ja": (
        Mail("新ライン導入のご提案", (_YAMADA, _SUZUKI)),
        Mail("請求書の宛名変更について", (_YAMADA,), (_APPLE_PROXY,)),
        Mail("来週のお打ち合わせ", (_KOBAYASHI,), (BROWSER,)),
        Mail("お見積もりの件（第 2 版）", (_YAMADA,), (GMAIL_PROXY,), clicks=1),
    ),
}


_PEOPLE = """氏名,メールアドレス,役職,法的根拠,趣味
佐藤 健,sato@sakura.example,部長,契約の履行,登山
山田 花子,yamada@sakura.example,取締役,,
Olivia Martin,olivia@northwind.example,,,
,no address,,,
Nobody,nobody@x.example,,because,
"""


async def send(rep: Rep, mail: Mail) -> None:
    """Prepare, confirm, fetch and follow, waiting for each to be counted."""
    contacts: Sequence[Json] = (await rep.get("/v1/contacts", limit=200))["items"]
    known = {address: contact["id"] for contact in contacts for address in contact["addresses"]}
    prepared = await rep.prepare(
        [{"address": address, "name": name} for address, name in mail.to],
        ["https://northwind.example/offers/2027?lang=en&v=2"],
        subject=mail.subject,
        log=True,
        records=[{"record_type": "contact", "record_id": known[address]} for address, _ in mail.to],
    )
    await rep.confirm_sent(prepared)
    seen = 0
    for fetcher in mail.fetchers:
        if fetcher is BROWSER:
            await reading_time()
        await load_pixel(rep.http, prepared["pixel_url"], fetcher)
        seen += 1
        await _counted(rep, prepared["message_id"], seen)
    for _ in range(mail.clicks):
        await reading_time()
        await follow_link(rep.http, prepared["links"][0]["tracked_url"])
        seen += 1
        await _counted(rep, prepared["message_id"], seen)
    await _counted(rep, prepared["message_id"], seen)


async def _counted(rep: Rep, message_id: str, engagements: int) -> None:
    async def look() -> bool | None:
        row = await rep.feed_row(message_id)
        return True if row is not None and len(row["engagements"]) >= engagements else None

    await until(look, "the mail and its engagements in the feed", 20.0)


class Camera:
    """One look at the pages: language, colour scheme, width."""

    def __init__(self, page: Page, app_url: str, who: Person, label: str) -> None:
        self._page = page
        self._app_url = app_url
        self._who = who
        self._label = label

    async def all(self) -> None:
        """Sign-in with a fault, feed with a row open, lists, records, a mail, forms, an import, an error."""
        page = self._page
        await page.goto(f"{self._app_url}/sign-in")
        await page.fill("input[name=address]", self._who.address)
        await page.fill("input[name=password]", "not this one")
        await page.click("button.primary")
        await self._take("sign-in")
        await sign_in(page, self._app_url, self._who)
        await until_live(page)
        await open_first(page)
        await self._take("feed")
        for noun in ("contacts", "companies", "deals", "tickets"):
            await page.goto(f"{self._app_url}/{noun}")
            await self._take(noun)
            await page.goto(f"{self._app_url}/{noun}/new")
            await self._take(f"{noun}-new")
        await page.goto(f"{self._app_url}/feed")
        await page.locator(".to a").first.click()
        await page.locator(".timeline").wait_for()
        await self._take("contact")
        record = page.url
        await page.locator(".event.email a.of").first.click()
        await page.locator(".one-mail").wait_for()
        await self._take("mail")
        await self._forms(record)
        await self._import()
        await page.goto(f"{self._app_url}/nothing")
        await self._take("not-found")

    async def _forms(self, record: str) -> None:
        """A form that somebody else was faster than, and a deletion that can be taken back."""
        page = self._page
        await page.goto(f"{record}/edit")
        await self._take("contact-edit")
        await page.reload()  # a picture leaves style attributes on fields, which a swap would copy
        second = await page.context.new_page()
        await second.goto(f"{record}/edit")
        phone = await second.input_value("#phone")
        await second.fill("#phone", f"{phone[:30]}1")
        await second.click("#card button.primary")
        await second.locator("aside#card").wait_for()
        await second.close()
        await page.fill("#phone", "+81 3 1234 5678")
        await page.click("#card button.primary")
        await page.locator(".conflict").wait_for()
        await self._take("contact-changed-meanwhile")
        await page.goto(record)
        await page.locator("details.why summary").first.click()
        await page.locator(".bases").wait_for()
        await self._take("contact-legal-basis")
        await page.click("#card form button")
        await page.locator(".toast form").wait_for()
        await self._take("contact-deleted")
        await page.click(".toast form button")
        await page.wait_for_url(record)

    async def _import(self) -> None:
        page = self._page
        await page.goto(f"{self._app_url}/contacts/import")
        await self._take("import")
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": _PEOPLE.encode("cp932")}
        await page.set_input_files("#file", files=file)  # type: ignore[arg-type]
        await page.click("button.primary")
        await page.locator(".plan").wait_for()
        await self._take("import-plan")

    async def _take(self, name: str) -> None:
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self._page.evaluate(wider) <= 0, f"{name} {self._label} scrolls sideways"
        await self._page.screenshot(path=FOLDER / f"{name}-{self._label}.png", full_page=True)


async def open_first(page: Page) -> None:
    """Open the evidence of the newest opened mail."""
    row = page.locator(".mail[data-state=opened]").first
    await row.locator("summary").click()
    await row.locator(".engagements").wait_for()


async def picture(browser: Browser, addresses: Json, who: Person, path: Path) -> None:
    """The README's picture: the feed with a toast."""
    options: dict[str, Any] = {"viewport": {"width": WIDTHS["desk"], "height": 800}, "locale": "en"}
    async with (
        signed_in(addresses, known_sign_ins(default_home()), number=1) as rep,
        watched(browser, **options) as (context, _),
    ):
        page = await context.new_page()
        await sign_in(page, addresses["app_url"], who)
        await until_live(page)
        await send(rep, Mail("Pilot: results of the first week", (_OLIVIA,), (GMAIL_PROXY,)))
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
    home = default_home()
    addresses = home.running()
    if addresses is None:
        sys.exit("Kaifu is not running: `make up` first")
    FOLDER.mkdir(parents=True, exist_ok=True)
    sign_ins = known_sign_ins(home)
    reps = {"ja": (people(sign_ins, Role.REP)[0], 0), "en": (people(sign_ins, Role.REP)[1], 1)}
    async with chromium() as browser:
        for language, (who, number) in reps.items():
            if paths and language != "en":
                continue
            async with signed_in(addresses, sign_ins, number=number) as rep:
                for mail in MAILS[language]:
                    await send(rep, mail)
            if not paths:
                await _all(browser, addresses["app_url"], who, language)
        for path in paths:
            await picture(browser, addresses, reps["en"][0], Path(path))


async def _all(browser: Browser, app_url: str, who: Person, language: str) -> None:
    for scheme, (name, width) in product(SCHEMES, WIDTHS.items()):
        options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        async with watched(browser, locale=language, **options) as (context, complaints):
            await Camera(await context.new_page(), app_url, who, f"{language}-{scheme}-{name}").all()
            assert complaints == []


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
