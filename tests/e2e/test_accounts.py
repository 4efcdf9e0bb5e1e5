"""Several Gmail accounts in one browser, each with a sign-in of its own; and how a sign-in ends and lasts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Playwright, Worker, expect

from deploy.local.rep import Json, Rep, http_client, until
from deploy.local.seed import Person, people
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import EXTENSION_ORIGIN, rep_browser, worker_of
from tests.e2e.rep import (
    ComposeWindow,
    Desk,
    new_compose,
    notifications,
    open_gmail,
    sign_in,
    sign_in_beside,
)
from tests.e2e.standin.server import GmailStandIn, serving

PRIVATE = "private@gmail.example"
HTML = '<p>Hello <a href="https://www.example.com/">you</a></p>'


@dataclass(frozen=True)
class Three:
    """A browser with three Gmail accounts: two reps of one server, and one that is nobody's there."""

    browser: BrowserContext
    gmail: GmailStandIn
    reps: tuple[Person, Person]
    apis: tuple[Rep, Rep]
    app_url: str

    async def test_pop_up(self, number: int) -> None:
        """The server raises a test pop-up for a rep; wait for it on screen, for that rep's Gmail account."""
        raised = await self.apis[number]._json(202, "POST", f"{self.app_url}/v1/notifications/test")
        name = f"raised {raised['notification_id']} {self.reps[number].address} "

        async def shown() -> bool | None:
            return name in await notifications(self.browser) or None

        await until(shown, "the pop-up on screen", 15.0)


@pytest.fixture
async def three(
    stack: Stack, api: Rep, playwright: Playwright, extension: Path, tmp_path: Path
) -> AsyncIterator[Three]:
    """Nobody is signed in yet."""
    first, second = people(stack.sign_ins, Role.REP)[:2]
    app_url = stack.addresses["app_url"]
    async with http_client() as http:
        token = await access_token(http, app_url, second.address, second.password)
        apis = (api, Rep(http, stack.addresses, token, second.address))
        with serving(GmailStandIn(first.address, others=[second.address, PRIVATE])) as gmail:
            async with rep_browser(playwright, tmp_path / "rep", extension, gmail.port) as browser:
                yield Three(browser, gmail, (first, second), apis, app_url)


async def greyed(page: Page) -> ComposeWindow:
    """A compose window whose boxes can't be used."""
    compose = await new_compose(page)
    await expect(compose.track).to_be_disabled()
    await expect(compose.log).to_be_disabled()
    return compose


@pytest.mark.requirement("E3", "T3", "L3")
async def test_accounts_are_kept_apart(three: Three) -> None:
    first, second = three.reps
    pages = [await open_gmail(three.browser)]
    await sign_in(three.browser, first, three.app_url)
    pages += [await open_gmail(three.browser, number) for number in (1, 2)]
    options = await sign_in_beside(three.browser, second, three.app_url)
    for person in three.reps:
        await expect(options.locator(".account", has_text=person.address)).to_contain_text(person.name)
    await expect(options.locator(".account", has_text=PRIVATE).locator("input[type=url]")).to_be_visible()

    feed = await three.browser.new_page()
    await feed.goto(f"{three.app_url}/feed")
    await expect(feed.locator("header .name")).to_have_text(
        first.name
    )  # the server's pages are still the first's

    stranger = await greyed(pages[2])
    await expect(stranger.window.locator(".kaifu-reason")).not_to_be_empty()
    for number, subject in ((0, "From the first"), (1, "From the second")):
        await pages[number].bring_to_front()
        compose = await new_compose(pages[number])
        await expect(compose.track).to_be_enabled()
        await compose.write("olivia@recipient.example", subject, HTML)
        await compose.send()
        assert "/o/" in (await three.gmail.sent(1, number=number)).html

    async def subjects(api: Rep) -> set[str]:
        return {row["subject"] for row in (await api.get("/v1/feed"))["items"]}

    async def both() -> bool | None:
        found = [await subjects(api) for api in three.apis]
        return ("From the first" in found[0] and "From the second" in found[1]) or None

    await until(both, "both mails in their feeds", 15.0)
    assert "From the second" not in await subjects(three.apis[0])
    assert "From the first" not in await subjects(three.apis[1])
    popup = await three.browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    for person, own, other in ((first, "first", "second"), (second, "second", "first")):
        await popup.get_by_label("Gmail").select_option(person.address)
        await expect(popup.locator("article.mail", has_text=f"From the {own}")).to_be_visible()
        await expect(popup.locator("article.mail", has_text=f"From the {other}")).to_have_count(0)

    await three.test_pop_up(0)
    await three.test_pop_up(1)
    await pages[0].bring_to_front()
    windows = [await new_compose(pages[0])]
    await options.bring_to_front()
    await options.locator(".account", has_text=first.address).locator(".row button").nth(1).click()
    await expect(windows[0].track).to_be_disabled()
    await three.test_pop_up(1)
    windows.append(await new_compose(pages[1]))
    await expect(windows[1].track).to_be_enabled()

    await three.apis[1]._json(
        200,
        "POST",
        f"{three.app_url}/oauth/revoke",
        data={"token": await _refresh_token(await worker_of(three.browser), second.address)},
    )
    await expect(windows[1].track).to_be_disabled()
    await expect(windows[1].window.locator(".kaifu-reason")).not_to_be_empty()

    async def told() -> bool | None:
        return f"signed-out {second.address}" in await notifications(three.browser) or None

    await until(told, "the pop-up that says so", 10.0)


async def _refresh_token(worker: Worker, account: str) -> str:
    kept: Json = await worker.evaluate("chrome.storage.local.get('signIns')")
    return str(kept["signIns"][account]["refreshToken"])


_EXPIRE = """async (account) => {
    self.asked = [];
    self.plainFetch ??= self.fetch;
    self.fetch = (url, ...more) => {
        self.asked.push(new URL(url).pathname);
        return self.plainFetch(url, ...more);
    };
    const { accessTokens } = await chrome.storage.session.get("accessTokens");
    accessTokens[account] = { token: "expired", expiresAt: Date.now() - 1 };
    await chrome.storage.session.set({ accessTokens });
}"""


_AT_ONCE = """(account) => Promise.all(
    Array.from({ length: 4 }, () => {
        return chrome.runtime.sendMessage({ kaifu: 1, type: "feed", account, after: null });
    }),
)"""


@pytest.mark.requirement("E3")
async def test_an_expired_token_is_renewed_once_and_nobody_notices(desk: Desk, rep: Person) -> None:
    """Though several calls need it at the same time: a refresh token that is used twice ends the sign-in."""
    worker = await worker_of(desk.browser)
    popup = await desk.browser.new_page()
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    await desk.page.bring_to_front()
    compose = await new_compose(desk.page)
    await compose.write("ann@recipient.example", "With a new token", HTML)
    await worker.evaluate(_EXPIRE, rep.address)
    answers = await popup.evaluate(_AT_ONCE, rep.address)
    assert [answer["ok"] for answer in answers] == [True] * 4
    await compose.send()
    assert "/o/" in (await desk.gmail.sent(1)).html
    asked: list[str] = await worker.evaluate("self.asked")
    assert asked.count("/oauth/token") == 1
    assert {"/v1/feed", "/v1/messages"} <= set(asked)
    await popup.close()
