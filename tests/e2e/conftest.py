"""One stack, one built extension and one signed-in browser for all end-to-end tests that can share them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Playwright, async_playwright, expect

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.rep import Rep, http_client
from deploy.local.seed import Person, people
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import granted_copy, rep_browser, require_chromium
from tests.e2e.rep import Desk, open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn, serving
from tests.integration.browser import PATIENCE_MS
from tests.integration.client import UNHURRIED, clean_environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The five services, broker and database, ready and seeded; the extension may connect."""
    require_chromium()
    home = Home(tmp_path_factory.mktemp("stack"))
    async with Stack(home, Ports.free(), base=clean_environment() | UNHURRIED, tell=print) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver of the browsers."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to load unpacked."""
    require_chromium()
    return granted_copy(tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="session")
def rep(stack: Stack) -> Person:
    """A rep of the demo account."""
    return people(stack.sign_ins, Role.REP)[0]


@pytest.fixture
async def api(stack: Stack, rep: Person) -> AsyncIterator[Rep]:
    """The server as an API client of the same rep sees it, just signed in: tokens last for minutes."""
    async with http_client() as http:
        token = await access_token(http, stack.addresses["app_url"], rep.address, rep.password)
        yield Rep(http, stack.addresses, token, rep.address)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in(
    stack: Stack,
    rep: Person,
    playwright: Playwright,
    extension: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[BrowserContext, GmailStandIn]]:
    """The rep's browser, signed in to the server, and Gmail as that rep sees it."""
    profile = tmp_path_factory.mktemp("profile")
    with serving(GmailStandIn(rep.address)) as gmail:
        async with rep_browser(playwright, profile, extension, gmail.port) as browser:
            page = await open_gmail(browser)
            await sign_in(browser, rep, stack.addresses["app_url"])
            await page.close()
            yield browser, gmail


@pytest.fixture
async def desk(signed_in: tuple[BrowserContext, GmailStandIn]) -> AsyncIterator[Desk]:
    """A fresh Gmail page in the shared browser, from which nothing was sent yet."""
    browser, gmail = signed_in
    gmail.clear()
    page = await open_gmail(browser)
    yield Desk(browser, gmail, page)
    await page.close()


@pytest.fixture
async def gmail(rep: Person) -> AsyncIterator[GmailStandIn]:
    """Gmail for a browser of the test's own."""
    with serving(GmailStandIn(rep.address)) as stand_in:
        yield stand_in


@pytest.fixture
async def browser(
    playwright: Playwright, extension: Path, gmail: GmailStandIn, tmp_path: Path
) -> AsyncIterator[BrowserContext]:
    """A browser of the test's own, not signed in yet."""
    async with rep_browser(playwright, tmp_path / "rep", extension, gmail.port) as context:
        yield context
