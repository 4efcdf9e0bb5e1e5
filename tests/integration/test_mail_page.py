"""The page of a logged mail in real Chromium: a hostile body runs nothing and loads nothing unasked."""

import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.rep import Json, Rep, load_pixel, until
from deploy.local.seed import people
from deploy.local.stack import Stack
from services.ingest.tracking import GIF
from shared.auth.tokens import Role
from tests.integration.browser import sign_in, watched
from tests.integration.client import signed_in
from tests.integration.pictures import SCHEMES, WIDTHS, taken
from tests.integration.serving import serving
from tests.unit.crm.hostile_mail import HOSTILE

pytestmark = [pytest.mark.integration, pytest.mark.requirement("R3")]
ADDRESSES = {"en": ("liam@northwind.example", "Liam Novak"), "ja": ("yamada@sakura.example", "山田 花子")}
NUMBERS = {"ja": 0, "en": 1}
WORDS = {"en": ("Pin", "Unpin", "Show the mail"), "ja": ("固定", "固定を解除", "メールを表示")}


class Server:
    """Somebody's server on this machine; it notes what is asked of it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        """An address of it."""
        return f"http://{LOOPBACK}:{self.port}/{path}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.asked.append(scope["path"])
        headers = [(b"content-type", b"image/gif"), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": GIF})


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with serving(server, server.port):
        yield server


def letter(server: Server, pixel: str) -> str:
    """An ordinary mail with our own pixel, an image and a link."""
    return (
        '<div style="max-width:600px"><p>Dear Liam, <b>the offer</b>: 12 seats. 見積もり 12 席。</p>'
        '<table border="1" cellpadding="6"><tr><th bgcolor="#eeeeee">Seats</th><td>12</td></tr></table>'
        f'<p><img src="{server.url("logo.gif")}" alt="Logo" width="90" height="30"></p>'
        f'<p><a href="{server.url("page")}">the offer</a></p></div>'
        f'<img src="{pixel}" width="1" height="1">'
    )


def attacks(server: Server) -> str:
    """All that is hostile, at this server."""
    all_of_them = "\n".join(f"<div>{one}</div>" for one in HOSTILE.values())
    return (
        all_of_them.replace("https://evil.example", server.url("evil"))
        .replace("//evil.example", f"//{LOOPBACK}:{server.port}/evil")
        .replace("alert(1)", f"fetch('{server.url('ran')}')")
    )


async def logged(rep: Rep, server: Server, language: str, further: str = "") -> tuple[Json, str]:
    """A logged mail with such a body, and the contact's path."""
    address, name = ADDRESSES[language]
    found = (await rep.get("/v1/contacts", q=name.split()[0]))["items"][0]
    prepared = await rep.prepare(
        [{"address": address, "name": name}],
        ["https://example.com/prices"],
        subject="お見積もりの件" if language == "ja" else "Renewal: the offer",
        log=True,
        records=[{"record_type": "contact", "record_id": found["id"]}],
        provider_thread_id=f"thread-{server.port}",
    )
    url = f"{rep.app_url}/v1/messages/{prepared['message_id']}"
    own = {"Authorization": f"Bearer {rep.token}"}
    html = letter(server, prepared["pixel_url"]) + further
    body = {"receipt": prepared["receipt"], "html": html, "text": ""}
    assert (await rep.http.put(f"{url}/body", json=body, headers=own)).status_code == 204
    receipt = {"Kaifu-Receipt": prepared["receipt"], "Content-Type": "application/pdf"}
    file = await rep.http.put(
        f"{url}/attachments/0", params={"name": "offer.pdf"}, content=b"%PDF-1.7 x", headers=own | receipt
    )
    assert file.status_code == 200
    await rep.confirm_sent(prepared)

    async def is_logged() -> bool | None:
        answer = await rep.http.get(url, headers=own)
        return True if answer.status_code == 200 and answer.json()["logged"] else None

    await until(is_logged, "the mail's decision")
    return prepared, f"{rep.app_url}/contacts/{found['id']}"


async def told(rep: Rep, method: str, path: str, body: Json | None = None) -> Json:
    """The API's good answer."""
    own = {"Authorization": f"Bearer {rep.token}"}
    answer = await rep.http.request(method, f"{rep.app_url}{path}", json=body, headers=own)
    assert answer.status_code in {200, 201}
    found: Json = answer.json()
    return found


async def test_a_hostile_body_runs_nothing_and_loads_nothing_until_images_are_asked_for(
    stack: Stack, browser: Browser, server: Server
) -> None:
    """On the mail's page and in a row of the timeline; then its images alone, never our own pixel."""
    who = people(stack.sign_ins, Role.REP)[NUMBERS["en"]]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=NUMBERS["en"]) as rep,
        watched(browser, locale="en") as (context, complaints),
    ):
        prepared, contact = await logged(rep, server, "en", attacks(server))
        requested: list[str] = []
        context.on("request", lambda request: requested.append(request.url))
        page = await context.new_page()
        await sign_in(page, rep.app_url, who)
        await page.goto(f"{contact}?type=email")
        row = page.locator(".event.email").first
        await row.get_by_text("Show the mail").click()
        await expect(row.frame_locator("iframe").get_by_text("the offer").first).to_be_visible()
        await row.locator("a.of").click()
        await page.wait_for_url(f"**/mail/{prepared['message_id']}")
        frame = page.frame_locator(".letter iframe")
        await expect(frame.get_by_text("the offer").first).to_be_visible()
        foreign = [url for url in requested if not url.startswith((rep.app_url, "data:"))]
        assert (server.asked, foreign) == ([], [])

        await page.get_by_text("Show remote images").click()
        await expect(frame.locator("img[alt=Logo]")).to_have_js_property("naturalWidth", 1)
        assert "/logo.gif" in server.asked
        assert "/ran" not in server.asked
        tracking = stack.addresses["tracking_url"]
        assert [url for url in requested if url.startswith(tracking)] == []
        async with context.expect_page() as opened:
            await frame.locator("a", has_text="the offer").first.click()
        other = await opened.value
        await other.wait_for_url(server.url("page"))
        assert await other.evaluate("window.opener") is None
        assert complaints == []


async def test_a_mail_is_pinned_copied_and_deleted(stack: Stack, browser: Browser, server: Server) -> None:
    """By keyboard, without a reload; deleting says that it goes from every record."""
    who = people(stack.sign_ins, Role.REP)[NUMBERS["en"]]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=NUMBERS["en"]) as rep,
        watched(browser, locale="en", permissions=["clipboard-read", "clipboard-write"]) as (
            context,
            complaints,
        ),
    ):
        older, contact = await logged(rep, server, "en")
        await logged(rep, server, "en")
        page = await context.new_page()
        await sign_in(page, rep.app_url, who)
        await page.goto(f"{contact}?type=email")
        mine = page.locator(".event", has=page.locator(f"a[href='/mail/{older['message_id']}']"))
        first = page.locator(".event").first
        await expect(mine).to_have_count(1)
        await mine.get_by_role("button", name="Pin", exact=True).focus()
        await page.keyboard.press("Enter")
        await expect(first).to_contain_text("Pinned")
        await expect(mine).to_have_count(1)
        await expect(page.get_by_role("button", name="Unpin")).to_be_focused()
        await page.reload()
        await expect(first.locator("a.of")).to_have_attribute("href", f"/mail/{older['message_id']}")
        await first.get_by_role("button", name="Copy link").click()
        await expect(first.get_by_role("button", name="Link copied")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{rep.app_url}/mail/{older['message_id']}"
        await page.goto(copied)
        await expect(page.get_by_role("heading", name="More of this thread")).to_be_visible()

        asked: list[str] = []

        async def agree(dialog: Any) -> None:
            asked.append(dialog.message)
            await dialog.accept()

        page.on("dialog", agree)
        await page.get_by_role("button", name="Delete").click()
        await page.wait_for_url(contact)
        assert "for everybody" in asked[0]
        await expect(page.locator(f"a[href='/mail/{older['message_id']}']")).to_have_count(0)
        assert complaints == []


@pytest.mark.requirement("L13", "L8")
async def test_associations_are_put_right_without_a_reload(
    stack: Stack, browser: Browser, server: Server
) -> None:
    """By keyboard: search, add, untick, save. List, reasons and delete button follow; what a colleague does
    meanwhile stays; what can't be saved is said."""
    who = people(stack.sign_ins, Role.REP)[NUMBERS["en"]]
    async with (
        signed_in(stack.addresses, stack.sign_ins, number=NUMBERS["en"]) as rep,
        signed_in(stack.addresses, stack.sign_ins, Role.SUPER_ADMIN) as admin,
        watched(browser, locale="en") as (context, complaints),
    ):
        prepared, contact = await logged(rep, server, "en")
        name = f"Harbour {server.port}"
        deal = await told(admin, "POST", "/v1/deals", {"name": name})
        ticket = await told(admin, "POST", "/v1/tickets", {"name": "Crane"})
        page = await context.new_page()
        await sign_in(page, rep.app_url, who)
        await page.goto(f"{rep.app_url}/mail/{prepared['message_id']}")
        await page.evaluate("window.kept = true")
        await page.locator(".decision summary").click()
        box = page.locator("#associations")
        await box.get_by_text("Edit associations").focus()
        await page.keyboard.press("Enter")
        search = box.get_by_role("searchbox")
        await expect(search).to_be_focused()
        await box.get_by_label("Kind of record").select_option("deal")
        await search.fill(name)
        await box.get_by_role("button", name=name).focus()
        await page.keyboard.press("Enter")
        await expect(box.get_by_role("checkbox")).to_have_count(2)

        path = f"/v1/messages/{prepared['message_id']}/associations"
        records = (await told(admin, "GET", path))["records"]
        there = [{"record_type": one["record_type"], "record_id": one["record_id"]} for one in records]
        more = {"record_type": "ticket", "record_id": ticket["id"]}
        await told(admin, "PUT", path, {"records": [*there, more]})

        await box.get_by_role("checkbox", name="Liam").uncheck()
        await box.get_by_role("button", name="Save").focus()
        await page.keyboard.press("Enter")
        await expect(box.get_by_role("status")).to_have_text("Saved.")
        await expect(box.get_by_text("Edit associations")).to_be_focused()
        await expect(box.locator("li")).to_have_text([f"Deal {name}", "Ticket Crane"])
        why = page.locator("#why")
        await expect(why).to_contain_text("removed the record by hand")
        await expect(why).to_be_visible()
        await expect(page.locator("#delete")).to_have_attribute("hx-confirm", re.compile("all 2 records"))
        assert await page.evaluate("window.kept")

        await box.get_by_text("Edit associations").click()
        await expect(box.get_by_role("checkbox")).to_have_count(2)
        for one in await box.get_by_role("checkbox").all():
            await one.uncheck()
        await box.get_by_role("button", name="Save").click()
        await expect(box.get_by_role("alert")).to_contain_text("at least one record")
        await box.get_by_text("Cancel").click()
        await expect(box.locator("li")).to_have_text([f"Deal {name}", "Ticket Crane"])
        await page.goto(f"{rep.app_url}/deals/{deal['id']}")
        link = page.locator(f".event.email a[href='/mail/{prepared['message_id']}']")
        await expect(link).to_be_visible()
        await page.goto(f"{contact}?type=email")
        await expect(link).to_have_count(0)
        assert [one for one in complaints if "422" not in one] == []


@pytest.mark.requirement("B10")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_page_in_both_themes_and_at_both_widths(
    stack: Stack, browser: Browser, server: Server, language: str
) -> None:
    """Pictures to look at; nothing scrolls sideways."""
    who = people(stack.sign_ins, Role.REP)[NUMBERS[language]]
    async with signed_in(stack.addresses, stack.sign_ins, number=NUMBERS[language]) as rep:
        prepared, contact = await logged(rep, server, language)
        await load_pixel(rep.http, prepared["pixel_url"])

        async def opened() -> bool | None:
            row = await rep.feed_row(prepared["message_id"])
            return True if row and row["opens"] else None

        await until(opened, "the open of the mail")
    pin, unpin, show = WORDS[language]
    for scheme, (name, width) in product(SCHEMES, WIDTHS.items()):
        options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        async with watched(browser, locale=language, **options) as (context, complaints):
            page = await context.new_page()
            await sign_in(page, stack.addresses["app_url"], who)
            label = f"{language}-{scheme}-{name}"
            await page.goto(f"{rep.app_url}/mail/{prepared['message_id']}")
            await page.locator(".decision summary").click()
            await expect(page.frame_locator(".letter iframe").locator("table").first).to_be_visible()
            await taken(page, "mail", label)
            await page.locator("#associations .button").click()
            await page.get_by_role("searchbox").fill("example")
            await page.locator(".found button").first.wait_for()
            await taken(page, "mail-associations", label)
            await page.goto(f"{contact}?type=email")
            await page.get_by_role("button", name=pin, exact=True).first.click()
            await page.locator(".event.pinned").first.wait_for()
            await page.get_by_text(show).first.click()
            frame = page.frame_locator(".event iframe")
            await expect(frame.locator("table").first).to_be_visible()
            await taken(page, "timeline-mail", label)
            await page.get_by_role("button", name=unpin).first.click()
            await expect(page.locator(".event.pinned")).to_have_count(0)
            assert complaints == []
