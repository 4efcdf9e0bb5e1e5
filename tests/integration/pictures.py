"""Pictures of crm's pages, for people to look at: what each shows, and how it is taken.

tests/architecture/test_pictures.py holds that every page of crm is among them.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Page
from starlette.routing import compile_path

FOLDER = Path(__file__).parents[2] / "var" / "screenshots"
WIDTHS = {"desk": 1200, "phone": 360}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHT = 800
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# How high the page is, after what is high as a part of the window has been held as it is.
_HIGH = """() => {
  for (const frame of document.querySelectorAll("iframe")) frame.style.height = `${frame.offsetHeight}px`;
  return document.documentElement.scrollHeight;
}"""
_PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

PAGES: Mapping[str, str] = {  # what a picture is called: the address that it shows
    "sign-in": "/sign-in",
    "forgotten": "/forgotten",
    "welcome": "/welcome/{token}",
    "allow": "/allow",
    "feed": "/feed",
    "feed-empty": "/feed",
    "contacts": "/contacts",
    "contacts-nothing-found": "/contacts",
    "bulk": "/contacts",
    "contact-deleted": "/contacts",
    "contact-new": "/contacts/new",
    "contact": "/contacts/{record_id}",
    "contact-legal-basis": "/contacts/{record_id}",
    "untracked": "/contacts/{record_id}",
    "tracked": "/contacts/{record_id}",
    "timeline-mail": "/contacts/{record_id}",
    "contact-edit": "/contacts/{record_id}/edit",
    "contact-changed-meanwhile": "/contacts/{record_id}/edit",
    "import": "/contacts/import",
    "import-plan": "/contacts/import/{import_id}",
    "import-done": "/contacts/import/{import_id}",
    "companies": "/companies",
    "company-new": "/companies/new",
    "company": "/companies/{record_id}",
    "company-edit": "/companies/{record_id}/edit",
    "deals": "/deals",
    "deal-new": "/deals/new",
    "deal": "/deals/{record_id}",
    "deal-edit": "/deals/{record_id}/edit",
    "tickets": "/tickets",
    "ticket-new": "/tickets/new",
    "ticket": "/tickets/{record_id}",
    "ticket-edit": "/tickets/{record_id}/edit",
    "mail": "/mail/{message_id}",
    "mail-associations": "/mail/{message_id}",
    "accuracy": "/accuracy",
    "profile": "/profile",
    "addresses": "/profile",
    "address-confirm": "/profile/addresses/confirm/{token}",
    "notifications": "/profile/notifications",
    "settings": "/settings/email",
    "dry-run": "/settings/email",
    "users": "/settings/users",
    "audit": "/settings/audit",
    "api-tokens": "/settings/api-tokens",
    "webhooks": "/settings/webhooks",
    "webhook": "/settings/webhooks/{webhook_id}",
    "retention": "/settings/retention",
    "not-found": "/nothing",
    "not-yours": "/settings/email",
    "link-over": "/welcome/{token}",
}
NO_PAGES: Mapping[str, str] = {  # what else crm answers a GET of a browser with, and what that is
    "/": "leads to the feed",
    "/settings": "leads to the first of the settings",
    "/associations/chosen": "a line of a form",
    "/associations/search": "what a search in a form found",
    "/companies/rows": "a part of the list",
    "/companies/{record_id}/card": "a part of the record's page",
    "/companies/{record_id}/timeline": "a part of the record's page",
    "/contacts/export.csv": "a file",
    "/contacts/import/{import_id}/rows": "a part of the plan",
    "/contacts/rows": "a part of the list",
    "/contacts/{record_id}/card": "a part of the record's page",
    "/contacts/{record_id}/legal-basis": "a part of the record's page",
    "/contacts/{record_id}/timeline": "a part of the record's page",
    "/deals/rows": "a part of the list",
    "/deals/{record_id}/card": "a part of the record's page",
    "/deals/{record_id}/timeline": "a part of the record's page",
    "/feed/rows": "a part of the feed",
    "/feed/rows/{message_id}": "a part of the feed",
    "/feed/rows/{message_id}/detail": "a part of the feed",
    "/feed/toast": "a part of the feed",
    "/mail/{message_id}/associations": "a part of the mail's page",
    "/mail/{message_id}/associations/edit": "a part of the mail's page",
    "/mail/{message_id}/body": "what the frame of the mail's page shows",
    "/mail/{message_id}/frame": "a part of the mail's page",
    "/profile/addresses": "a part of the profile",
    "/settings/webhooks/{webhook_id}/deliveries": "a part of the webhook's page",
    "/static/{digest}/{name}": "a file",
    "/tickets/rows": "a part of the list",
    "/tickets/{record_id}/card": "a part of the record's page",
    "/tickets/{record_id}/timeline": "a part of the record's page",
}


async def taken(page: Page, name: str, label: str) -> None:
    """The whole page into FOLDER. AssertionError: it scrolls sideways, or is not what PAGES says.

    The caret is left as it is: Playwright hides it by style attributes on fields, which the page's
    policy forbids to be copied when a form is swapped.
    """
    path = page.url.partition("://")[2].partition("/")[2].partition("?")[0]
    assert compile_path(PAGES[name])[0].match(f"/{path}"), f"{name} shows /{path}"
    assert await page.evaluate(_SIDEWAYS) <= 0, f"{name}-{label} scrolls sideways"
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with _wholly_in_the_window(page):
        await page.screenshot(path=FOLDER / f"{name}-{label}.png", caret="initial")


@asynccontextmanager
async def _wholly_in_the_window(page: Page) -> AsyncIterator[None]:
    """Frames, which have processes of their own, are blank or askew in a picture of more than the window."""
    size = page.viewport_size
    assert size
    await page.set_viewport_size(size | {"height": max(size["height"], await page.evaluate(_HIGH))})
    await page.evaluate(_PAINTED)  # not in its frames: they run no scripts
    yield
    await page.set_viewport_size(size)


class Camera:
    """A page as it stands in the browser, in both widths and colour schemes, without loading it again."""

    def __init__(self, page: Page, app_url: str, language: str) -> None:
        self.page = page
        self._app_url = app_url
        self._language = language

    async def take(self, name: str, variant: str = "") -> None:
        """Four pictures, with the variant in their names; the page has the first width and scheme again then.
        AssertionError: it is in another language."""
        assert await self.page.get_attribute("html", "lang") == self._language, f"{name}: another language"
        for (size, width), scheme in product(WIDTHS.items(), SCHEMES):
            await self._look(width, scheme)
            await taken(self.page, name, f"{variant}{self._language}-{scheme}-{size}")
        await self._look(WIDTHS["desk"], "light")

    async def visit(self, *names: str) -> None:
        """Pages whose address needs nothing filled in, as they come."""
        for name in names:
            await self.go(PAGES[name])
            await self.take(name)

    async def go(self, path: str) -> None:
        """To a page of the app."""
        await self.page.goto(self._app_url + path)

    async def _look(self, width: int, scheme: Literal["light", "dark"]) -> None:
        await self.page.set_viewport_size({"width": width, "height": HEIGHT})
        await self.page.emulate_media(color_scheme=scheme)
