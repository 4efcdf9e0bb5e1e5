"""One stack for all end-to-end tests, and a browser profile for each."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Playwright, async_playwright

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.seed import Person
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import EXTENSION_ORIGIN, granted_copy, rep_browser, require_chromium
from tests.e2e.standin.server import GmailStandIn, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The five services, broker and database, ready and seeded; the extension may connect."""
    require_chromium()
    ours = ("KAIFU_", "PUBLIC_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    base["KAIFU_NOTIFIER_ALLOWED_ORIGINS"] = EXTENSION_ORIGIN
    async with Stack(Home(tmp_path_factory.mktemp("stack")), Ports.free(), base=base, tell=print) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver of the browsers."""
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to load unpacked."""
    require_chromium()
    return granted_copy(tmp_path_factory.mktemp("extension"))


@pytest.fixture
def rep(stack: Stack) -> Person:
    """A rep of the demo account."""
    user = next(one for one in stack.sign_ins["users"] if one["role"] == Role.REP)
    return Person(user["name"], user["address"], user["password"], Role.REP)


@pytest.fixture
async def gmail(rep: Person) -> AsyncIterator[GmailStandIn]:
    """Gmail as that rep sees it."""
    with serving(GmailStandIn(rep.address)) as stand_in:
        yield stand_in


@pytest.fixture
async def browser(
    playwright: Playwright, extension: Path, gmail: GmailStandIn, tmp_path: Path
) -> AsyncIterator[BrowserContext]:
    """The rep's browser."""
    async with rep_browser(playwright, tmp_path / "rep", extension, gmail.port) as context:
        yield context
