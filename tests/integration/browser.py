"""Real Chromium: Debian's, or the one that CHROMIUM names. Its absence is a failure, never a skip."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from deploy.local.seed import Person

PATIENCE_MS = 15_000  # for what is awaited on a page: other workers have the cores too
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a profile. RuntimeError when none is installed."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("no Chromium: install it (Debian: apt install chromium) or name it with CHROMIUM")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watched(browser: Browser, **options: Any) -> AsyncIterator[tuple[BrowserContext, list[str]]]:
    """A context, and what its pages complain of: script errors and anything that the policy blocks."""
    complaints: list[str] = []
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    context.on("weberror", lambda error: complaints.append(str(error.error)))

    def heard(said: ConsoleMessage) -> None:
        if "Security Policy" in said.text:
            complaints.append(said.text)

    context.on("console", heard)
    try:
        yield context, complaints
    finally:
        await context.close()


async def sign_in(page: Page, app_url: str, who: Person) -> None:
    """Through the form, to the feed."""
    await page.goto(f"{app_url}/feed")
    await page.fill("input[name=address]", who.address)
    await page.fill("input[name=password]", who.password)
    await page.click("button.primary")
    await page.wait_for_url("**/feed")


async def until_live(page: Page) -> None:
    """Until the page's socket is ready."""
    await page.locator("#connection[data-state=live]").wait_for()


async def sign_in_to(page: Page, app_url: str, who: Person, path: str) -> None:
    """Through the form, to a page that asks for it."""
    await page.goto(f"{app_url}/sign-in?next={path}")
    await page.fill("input[name=address]", who.address)
    await page.fill("input[name=password]", who.password)
    await page.click("button.primary")
    await page.wait_for_url(f"**{path}")
