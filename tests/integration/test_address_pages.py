"""A rep proves an address in real Chromium, with a real relay and all services."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.rep import Refused, until
from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in, watched
from tests.integration.client import UNHURRIED, clean_environment, signed_in
from tests.integration.mail_relay import MailRelay, mail_relay
from tests.integration.pictures import Camera

pytestmark = pytest.mark.integration
_POSTMAN_MS = 20_000  # a relay that is away takes its time, on a busy machine more
ENGLISH = 1  # the demo account's second rep; the first is Japanese


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relay(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MailRelay]:
    async with mail_relay(tmp_path_factory.mktemp("relay")) as relay:
        yield relay


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mailing(tmp_path_factory: pytest.TempPathFactory, relay: MailRelay) -> AsyncIterator[Stack]:
    """All services, and crm has that relay."""
    base = clean_environment() | UNHURRIED | relay.environment()
    async with Stack(Home(tmp_path_factory.mktemp("mailing")), Ports.free(), base=base, tell=print) as stack:
        yield stack


def rep_of(stack: Stack, number: int) -> Person:
    return people(stack.sign_ins, Role.REP)[number]


async def mailed(relay: MailRelay, count: int) -> str:
    """The newest mail's link, when there are so many."""

    async def look() -> bool | None:
        return True if len(relay.mails) >= count else None

    await until(look, "the mail")
    return relay.link()


@pytest.mark.requirement("E4", "L7")
async def test_an_address_is_proven_by_its_mail(mailing: Stack, browser: Browser, relay: MailRelay) -> None:
    """Without a reload: asked for while the relay is away, which the page tells, then mailed, then proven;
    from then on the send API takes it as From."""
    who, alias = rep_of(mailing, ENGLISH), "sales.team@app.example"
    app_url = mailing.addresses["app_url"]
    async with (
        signed_in(mailing.addresses, mailing.sign_ins, number=ENGLISH) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        mail: dict[str, Any] = {"to": [{"address": "zoe@northwind.example"}], "links": [], "log": True}
        mail["from"] = {"address": alias}
        page = await context.new_page()
        await sign_in(page, app_url, who)
        await page.goto(f"{app_url}/profile")
        await page.evaluate("window.notReloaded = true")
        await relay.stop()
        await page.fill("#another", alias)
        await page.keyboard.press("Enter")
        own = page.locator(".own", has_text=alias)
        await expect(own).to_contain_text(
            "The mail relay can't be reached. Kaifu tries again.", timeout=_POSTMAN_MS
        )
        await page.fill("#another", "typed meanwhile")
        await relay.start()
        await expect(own).to_contain_text("waits for your confirmation", timeout=30_000)
        await expect(page.locator("#another")).to_have_value("typed meanwhile")
        assert await page.evaluate("window.notReloaded") is True
        with pytest.raises(Refused, match="sender-not-ours"):
            await rep.prepare(**mail)

        other = await context.new_page()
        await other.goto(await mailed(relay, 1))
        await other.get_by_role("button", name="Confirm").click()
        await expect(other.get_by_text("The address is confirmed")).to_be_visible()
        await expect(own.get_by_role("button", name="Mail another link")).to_have_count(0)
        await rep.prepare(**mail)
        page.on("dialog", lambda dialog: dialog.accept())
        await own.get_by_role("button", name="Remove").click()
        await expect(own).to_have_count(0)
        assert complaints == []
    for log in mailing.home.logs.iterdir():
        assert alias not in log.read_text(), log.name


@pytest.mark.requirement("A6")
async def test_a_forgotten_password_is_chosen_anew(
    mailing: Stack, browser: Browser, relay: MailRelay
) -> None:
    """From the sign-in page to being signed in, in Japanese."""
    who, before = rep_of(mailing, 0), len(relay.mails)
    async with watched(browser, locale="ja") as (context, complaints):
        page = await context.new_page()
        await page.goto(f"{mailing.addresses['app_url']}/sign-in")
        await page.click("a[href='/forgotten']")
        await page.fill("#address", who.address)
        await page.click("button.primary")
        await expect(page.get_by_role("status")).to_be_visible()
        await page.goto(await mailed(relay, before + 1))
        assert relay.mails[-1]["Subject"] == "Kaifu の新しいパスワード"
        await page.fill("#password", who.password)
        await page.click("button.primary")
        await page.wait_for_url("**/sign-in")
        await page.fill("input[name=address]", who.address)
        await page.fill("input[name=password]", who.password)
        await page.click("button.primary")
        await page.wait_for_url("**/feed")
        assert complaints == []


@pytest.mark.requirement("E4", "B10")
async def test_pictures_of_addresses(mailing: Stack, browser: Browser, relay: MailRelay) -> None:
    """In both languages, themes and widths, in every state; none scrolls sideways."""
    app_url = mailing.addresses["app_url"]
    relay.refusal = "550 5.1.1 no such user"
    for language, number in (("ja", 0), ("en", ENGLISH)):
        who, before = rep_of(mailing, number), len(relay.mails)
        async with signed_in(mailing.addresses, mailing.sign_ins, number=number) as rep:

            async def ask(address: str, rep: Any = rep) -> None:
                headers = {"Authorization": f"Bearer {rep.token}"}
                asked = await rep.http.post(
                    f"{app_url}/v1/me/addresses", json={"address": address}, headers=headers
                )
                assert asked.status_code == 202

            relay.refusal = "550 5.1.1 no such user"
            await ask(f"a-long-name-with-a-slip@{language}.app.example")

            async def failed(rep: Any = rep) -> bool | None:
                rows = (await rep.get("/v1/me/addresses"))["addresses"]
                return True if any(row["state"] == "failed" for row in rows) else None

            await until(failed, "the refusal")
            relay.refusal = None
            await ask(f"info@{language}.app.example")
            link = await mailed(relay, before + 1)
            relay.refusal = "451 4.7.1 later"
            await ask(f"support@{language}.app.example")
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            camera = Camera(page, app_url, language)
            await page.goto(f"{app_url}/forgotten")
            await camera.take("forgotten")
            await sign_in(page, app_url, who)
            await page.goto(f"{app_url}/profile")
            await page.locator(".own", has_text="support").locator(".note.fault").wait_for()
            await camera.take("addresses")
            await page.goto(link)
            await camera.take("address-confirm")
            assert complaints == []
    relay.refusal = None
