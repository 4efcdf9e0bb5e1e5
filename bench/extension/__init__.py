"""The extension in Chromium: what it adds to Send and to the page, the first paint of its popup, its size."""

import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from playwright.async_api import async_playwright

from bench.extension import memory, package, popup, send
from bench.results import Figure
from deploy.local.rep import Rep, http_client
from deploy.local.seed import people
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import granted_copy, rep_browser
from tests.e2e.rep import open_gmail, sign_in
from tests.e2e.standin.server import GmailStandIn, serving


async def measure(fresh: AbstractAsyncContextManager[Stack]) -> list[Figure]:
    """`extension_…` figures. Needs the extension built (`make extension`) and Chromium."""
    figures = [package.measure()]
    with tempfile.TemporaryDirectory(prefix="kaifu-bench-") as folder:
        async with fresh as stack:
            figures += await _in_browsers(stack, Path(folder))
    return figures


async def _in_browsers(stack: Stack, folder: Path) -> list[Figure]:
    person, app_url = people(stack.sign_ins, Role.REP)[0], stack.addresses["app_url"]
    async with async_playwright() as playwright, http_client() as http:
        rep = Rep(http, stack.addresses, await access_token(http, app_url, person.address, person.password),
                  person.address)  # fmt: skip
        with serving(GmailStandIn(person.address)) as gmail:
            kaifu = rep_browser(playwright, folder / "kaifu", granted_copy(folder), gmail.port)
            bare = rep_browser(playwright, folder / "bare", None, gmail.port)
            async with kaifu as browser:
                page = await open_gmail(browser)
                await sign_in(browser, person, app_url)
                await page.close()
                figures = await send.measure(browser, gmail)
                async with bare as without:
                    figures.append(await memory.measure(browser, without))
                figures.append(await popup.measure(browser, stack, rep))
    return figures
