"""The pages of the running stack in real Chromium: a mail is opened and the rep's screen says so."""

import pytest
from playwright.async_api import Browser, expect

from deploy.local.rep import Rep, follow_link, load_pixel, reading_time, until
from deploy.local.seed import people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in, until_live, watched
from tests.integration.client import signed_in

pytestmark = pytest.mark.integration
ENGLISH = 1  # the demo account's second rep; the first is Japanese


async def sent(rep: Rep, subject: str, **more: object) -> dict[str, object]:
    """A tracked mail that stands in the feed."""
    links = ["https://example.com/prices"]
    to = [{"address": "olivia@northwind.example", "name": "Olivia Martin"}]
    prepared = await rep.prepare(to, links, subject=subject, **more)
    await rep.confirm_sent(prepared)
    await until(lambda: rep.feed_row(prepared["message_id"]), "the sent mail in the feed")
    return prepared


@pytest.mark.requirement("T3", "T4", "B1")
async def test_an_open_flips_the_row_and_shows_a_toast_without_a_reload(
    stack: Stack, browser: Browser
) -> None:
    who = people(stack.sign_ins, Role.REP)[ENGLISH]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=ENGLISH) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        first = await sent(rep, "Before the page")
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], who)
        await until_live(page)
        await page.evaluate("window.notReloaded = true")
        assert await page.locator(f"#row-{first['message_id']} .state").inner_text() == "Sent"

        mail = await sent(rep, "Offer <b>42</b>")
        row = page.locator(f"#row-{mail['message_id']}")
        await expect(row.locator(".subject")).to_have_text("Offer <b>42</b>")
        await expect(row.locator(".state")).to_have_text("Sent")
        assert await page.locator(".mail").first.get_attribute("id") == f"row-{mail['message_id']}"

        await load_pixel(rep.http, str(mail["pixel_url"]))
        await expect(page.locator(".toast.opened strong")).to_have_text("Olivia Martin opened your mail")
        await expect(row.locator(".state")).to_have_text("Opened")
        await expect(row.locator(".verdict").first).to_have_text("Human, through a mail proxy")

        await row.locator("summary").click()
        await expect(row.locator(".engagements > li")).to_have_count(1)
        await reading_time()
        await follow_link(rep.http, str(mail["links"][0]["tracked_url"]))  # type: ignore[index]
        await expect(row.locator(".clicks")).to_have_text("1 click")
        await expect(row.locator("details")).to_have_attribute("open", "")
        await expect(row.locator(".engagements > li").first).to_contain_text("Click")
        assert await page.evaluate("window.notReloaded") is True
        assert complaints == []


@pytest.mark.requirement("T4")
async def test_the_test_button_reaches_the_screen_and_the_desktop_once_over_all_tabs(
    stack: Stack, browser: Browser
) -> None:
    who = people(stack.sign_ins, Role.REP)[ENGLISH]
    async with watched(browser, locale="en", permissions=["notifications"]) as (context, complaints):
        await context.add_init_script(_RECORD_POPUPS)
        pages = [await context.new_page(), await context.new_page()]
        await sign_in(pages[0], stack.addresses["app_url"], who)
        await pages[1].goto(stack.addresses["app_url"] + "/feed")
        for page in pages:
            await until_live(page)
        await pages[0].get_by_role("button", name="Send me a test notification").click()
        for page in pages:
            await expect(page.locator(".toast.test strong")).to_have_text("Test notification")
        await until(lambda: _popups(pages), "one pop-up over both tabs")
        assert complaints == []


_RECORD_POPUPS = """
  window.popups = [];
  window.Notification = class extends window.Notification {
    constructor(title, options) { super(title, options); window.popups.push(title); }
  };
"""


async def _popups(pages: list) -> bool | None:  # type: ignore[type-arg]
    shown = [title for page in pages for title in await page.evaluate("window.popups")]
    assert len(shown) <= 1
    return True if shown == ["Test notification"] else None


@pytest.mark.requirement("T9")
async def test_the_page_reconnects_and_shows_what_it_missed(stack: Stack, browser: Browser) -> None:
    who = people(stack.sign_ins, Role.REP)[ENGLISH]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=ENGLISH) as rep,
        watched(browser, locale="en") as (context, _),
    ):
        mail = await sent(rep, "While you were away")
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], who)
        await until_live(page)
        await context.set_offline(True)
        await expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
        await load_pixel(rep.http, str(mail["pixel_url"]))

        async def counted() -> bool | None:
            row = await rep.feed_row(str(mail["message_id"]))
            return True if row and row["opens"] == 1 else None

        await until(counted, "the open in the feed's data")
        await context.set_offline(False)
        await until_live(page)
        await expect(page.locator(f"#row-{mail['message_id']} .state")).to_have_text("Opened")
        await expect(page.locator(".toast.opened")).to_have_count(1)


@pytest.mark.requirement("R1", "R2", "B10")
async def test_a_japanese_rep_finds_the_logged_mail_on_the_contacts_timeline(
    stack: Stack, browser: Browser
) -> None:
    who = people(stack.sign_ins, Role.REP)[0]
    async with (
        signed_in(stack.addresses, stack.sign_ins) as rep,
        watched(browser, locale="ja") as (context, complaints),
    ):
        found = (await rep.get("/v1/contacts", q="山田"))["items"][0]
        records = [{"record_type": "contact", "record_id": found["id"]}]
        to = [{"address": "yamada@sakura.example", "name": "山田 花子"}]
        prepared = await rep.prepare(to, [], subject="お見積もりの件", log=True, records=records)
        await rep.confirm_sent(prepared)
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], who)
        assert await page.locator("h1").inner_text() == "アクティビティーフィード"
        await page.get_by_role("link", name="コンタクト").click()
        await page.fill("#q", "山田")
        await expect(page.locator(".person")).to_have_count(1)
        await page.locator(".person").click()
        await expect(page.locator("h1")).to_have_text("山田 花子")

        async def logged() -> bool | None:
            timeline = await rep.get(f"/v1/contacts/{found['id']}/timeline", type="email")
            return (
                True
                if any(row["message_id"] == prepared["message_id"] for row in timeline["items"])
                else None
            )

        await until(logged, "the mail on the timeline")
        await page.get_by_role("link", name="メール", exact=True).click()
        await page.wait_for_url("**?type=email")
        await expect(page.locator(".event").first).to_contain_text("お見積もりの件")
        assert complaints == []


async def test_signing_out_in_one_tab_ends_the_other(stack: Stack, browser: Browser) -> None:
    who = people(stack.sign_ins, Role.REP)[ENGLISH]
    async with watched(browser, locale="en") as (context, _):
        one, other = await context.new_page(), await context.new_page()
        await sign_in(one, stack.addresses["app_url"], who)
        await other.goto(stack.addresses["app_url"] + "/feed")
        await until_live(other)
        await one.get_by_role("button", name="Sign out").click()
        await one.wait_for_url("**/sign-in")
        await other.wait_for_url("**/sign-in**")
