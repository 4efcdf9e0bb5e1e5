"""What a rep does in the browser."""

from dataclasses import dataclass

from playwright.async_api import BrowserContext, Locator, Page, expect

from deploy.local.rep import Json
from deploy.local.seed import Person
from tests.e2e.chromium import EXTENSION_ORIGIN
from tests.e2e.standin.server import GmailStandIn, Mail

GMAIL = "https://mail.google.com/mail/u/{}/"


@dataclass(frozen=True)
class Desk:
    """A signed-in rep's Gmail page in the browser, and what the page sends."""

    browser: BrowserContext
    gmail: GmailStandIn
    page: Page


async def open_gmail(context: BrowserContext, number: int = 0) -> Page:
    """Gmail of one of the browser's accounts, with InboxSDK loaded."""
    page = await context.new_page()
    await page.goto(GMAIL.format(number))
    await expect(page.locator("html[data-inboxsdk-active-app-ids]")).to_be_attached()
    return page


async def sign_in(context: BrowserContext, person: Person, app_url: str) -> None:
    """On the options page, for the Gmail account that was seen."""
    options = await context.new_page()
    await options.goto(f"{EXTENSION_ORIGIN}/options.html")
    await options.get_by_placeholder("https://kaifu.example.com").fill(app_url)
    async with context.expect_page(timeout=15_000) as opening:
        await options.locator("button.primary").click()
    page = await opening.value
    await page.locator("input[type=password]").fill(person.password)
    await page.locator("input[name=address]").fill(person.address)
    await page.locator("form button").first.click()
    await expect(options.locator(".account .row button")).to_have_count(2)
    await options.close()


async def sign_in_beside(context: BrowserContext, person: Person, app_url: str) -> Page:
    """On the options page, for the person's own Gmail account, while a colleague is signed in on the server's
    pages: the server asks, and the person uses another account. The page that asked, as it was."""
    options = await context.new_page()
    await options.goto(f"{EXTENSION_ORIGIN}/options.html")
    own = options.locator(".account", has_text=person.address)
    await own.get_by_placeholder("https://kaifu.example.com").fill(app_url)
    async with context.expect_page(timeout=15_000) as opening:
        await own.locator("button.primary").click()
    page = await opening.value
    await expect(page.locator("dl")).to_contain_text(person.address)
    await page.locator("a.button").click()
    await expect(page.locator("input[name=address]")).to_have_value(person.address)
    await page.locator("input[type=password]").fill(person.password)
    await page.locator("main form button").click()
    await expect(own.locator(".row button")).to_have_count(2)
    return options


class ComposeWindow:
    """One compose window of the stand-in: the one at this place, or the one that is named."""

    def __init__(self, page: Page, at: int = 0, window: Locator | None = None) -> None:
        self.page = page
        self.window = window or page.locator("[role=dialog]").nth(at)
        self.track = self.window.locator(".kaifu-track input")
        self.log = self.window.locator(".kaifu-log input")

    async def write(self, to: str, subject: str, html: str) -> None:
        """Fill it in as a person does."""
        box = self.window.get_by_role("combobox", name="to")
        await box.fill(to)
        await box.press("Enter")
        await self.window.locator("input[name=subjectbox]").fill(subject)
        await self.window.locator("[g_editable]").evaluate("(body, html) => { body.innerHTML = html; }", html)

    async def send(self) -> None:
        """Press Send."""
        await self.window.locator(".send").click()

    async def draft(self) -> str:
        """The draft's id."""
        return (await self.window.locator("input[name=draft]").input_value()).removeprefix("#msg-a:")


async def new_compose(page: Page) -> ComposeWindow:
    """Press Compose and wait for the boxes."""
    count = await page.locator("[role=dialog]").count()
    await page.locator("#compose").click()
    compose = ComposeWindow(page, count)
    await expect(compose.track).to_be_attached()
    return compose


async def open_thread(page: Page, mail: Mail) -> Locator:
    """Go to the thread of a mail; the message that shows the mail."""
    await page.evaluate("(thread) => { location.hash = `inbox/${thread}`; }", mail.thread_id)
    message = page.locator(f'[role=listitem]:has([data-legacy-message-id="{mail.hex_id}"])')
    await expect(message).to_be_visible()
    return message


_ANSWERS = {"reply": ".bkH", "reply-all": ".bkI", "forward": ".bkG"}


async def answer(page: Page, kind: str) -> ComposeWindow:
    """Press Reply, Reply all or Forward below the open thread, and wait for the boxes."""
    await page.locator(f"[role=main] {_ANSWERS[kind]}").click()
    compose = ComposeWindow(page, window=page.locator("[role=main] .M9"))
    await expect(compose.track).to_be_attached()
    return compose


async def notifications(context: BrowserContext) -> Json:
    """The pop-ups that are on screen, by name."""
    page = await context.new_page()
    await page.goto(f"{EXTENSION_ORIGIN}/popup.html")
    shown: Json = await page.evaluate("chrome.notifications.getAll()")
    await page.close()
    return shown
