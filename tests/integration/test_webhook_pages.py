"""A super admin adds an endpoint in real Chromium; a test event arrives and the page says so (A6, B9)."""

import pytest
from playwright.async_api import Browser, Page, expect
from standardwebhooks import Webhook as Verifier

from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in_to, watched
from tests.integration.pictures import Camera
from tests.loopback import Asked, loopback, response

pytestmark = [pytest.mark.integration, pytest.mark.requirement("A6", "B9")]
ENGLISH = 1  # the demo account's second super admin; the first is Japanese


async def opened(page: Page, stack: Stack, who: Person) -> None:
    await sign_in_to(page, stack.addresses["app_url"], who, "/settings/webhooks")


async def added(page: Page, url: str, *types: str) -> str:
    """Through the form; the secret."""
    await page.fill("#webhook-url", url)
    for type_ in types:
        await page.check(f"input[value='{type_}']")
    await page.locator("#webhooks button.primary").click()
    secret = page.locator(".link-made input")
    await secret.wait_for()
    return await secret.input_value()


async def removed(page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    await page.locator("button.danger").click()
    await page.wait_for_url("**/settings/webhooks")


async def test_a_test_event_arrives_and_the_page_says_so(stack: Stack, browser: Browser) -> None:
    """Without a reload; an endpoint that refuses is said to, and its delivery is sent again by hand."""
    who, statuses = people(stack.sign_ins, Role.SUPER_ADMIN)[ENGLISH], [500, 204]

    async def answer(_: Asked) -> list[bytes | float]:
        return response(statuses.pop(0), b"")

    async with loopback(answer) as receiver, watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await opened(page, stack, who)
        secret = await added(page, f"{receiver.address}/in", "mail.opened", "mail.sent")
        await page.get_by_role("link", name="Deliveries and settings of").click()
        await page.locator("#deliveries .empty").wait_for()
        await page.evaluate("window.notReloaded = true")
        await page.get_by_role("button", name="Send a test event").click()
        row = page.locator("#deliveries li").first
        await expect(row).to_contain_text("answer 500")
        await expect(row.locator(".tag")).to_have_text("delivered", timeout=15_000)
        await expect(row).to_contain_text("answer 204")
        bodies = [Verifier(secret).verify(one.body, one.headers) for one in receiver.asked]
        assert [body["type"] for body in bodies] == ["webhook.test"] * 2
        assert len({one.headers["webhook-id"] for one in receiver.asked}) == 1
        statuses.append(204)
        await row.get_by_role("button", name="again").click()
        await expect(row.locator(".tag")).to_have_text("delivered")
        assert await page.evaluate("window.notReloaded") is True
        await removed(page)
        await expect(page.locator(".empty")).to_be_visible()
        assert complaints == []
    for log in stack.home.logs.iterdir():
        text = log.read_text()
        assert secret not in text
        assert f"{receiver.address}/in" not in text, log.name


@pytest.mark.requirement("B10")
async def test_pictures_of_webhooks(stack: Stack, browser: Browser) -> None:
    """In both languages, themes and widths; none scrolls sideways."""
    admins = dict(zip(("ja", "en"), people(stack.sign_ins, Role.SUPER_ADMIN), strict=True))

    async def answer(_: Asked) -> list[bytes | float]:
        return response(503, b"")

    async with loopback(answer) as receiver:
        for language in ("en", "ja"):
            async with watched(browser, locale=language) as (context, complaints):
                page = await context.new_page()
                camera = Camera(page, stack.addresses["app_url"], language)
                await opened(page, stack, admins[language])
                await added(
                    page, f"{receiver.address}/kaifu/with/a/rather/long/path", "mail.sent", "mail.logged"
                )
                await camera.take("webhooks")
                await page.locator("#webhooks .button").first.click()
                await page.locator("form[action$='/test'] button").click()
                await page.locator("#deliveries .note.fault").first.wait_for()
                await camera.take("webhook")
                await removed(page)
                assert complaints == []
