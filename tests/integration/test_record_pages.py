"""Lists, forms, deletion and import of records in real Chromium (R1)."""

import asyncio
from itertools import product
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from shared.events.ids import new_id
from tests.integration.browser import sign_in, watched
from tests.integration.client import signed_in
from tests.integration.pictures import SCHEMES, WIDTHS, taken

pytestmark = [pytest.mark.integration, pytest.mark.requirement("R1")]
ENGLISH = 1


@pytest.fixture
def rep(stack: Stack) -> Person:
    """The English rep of the demo account."""
    return people(stack.sign_ins, Role.REP)[ENGLISH]


async def at(page: Page, stack: Stack, path: str) -> None:
    """Go to one of the app's pages."""
    await page.goto(stack.addresses["app_url"] + path)


async def unmoved(page: Page) -> None:
    """From here on a reload of the page is noticed."""
    await page.evaluate("window.notReloaded = true")


async def test_a_record_is_made_found_edited_and_associated_without_a_reload(
    stack: Stack, browser: Browser, rep: Person
) -> None:
    """By keyboard where a keyboard is at hand."""
    name = f"Acme {new_id().hex[-8:]}"
    async with watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], rep)
        await page.get_by_role("link", name="Deals", exact=True).click()
        await page.get_by_role("link", name="New deal").first.click()
        await unmoved(page)
        await page.keyboard.type(name)
        await page.fill("#amount", "1,234.50")
        await page.fill("#currency", "eur")
        await page.keyboard.press("Enter")
        await expect(page.locator("#currency")).to_have_attribute("aria-invalid", "true")
        await page.fill("#currency", "EUR")
        await page.get_by_label("Search records to associate").fill("Northwind")
        await page.get_by_role("button", name="Add Northwind Traders").click()
        await expect(page.locator("#chosen li")).to_have_count(1)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("h1")).to_have_text(name)
        await expect(page.locator("#card")).to_contain_text("1,234.50 EUR")
        await expect(page.locator("#card .associations")).to_contain_text("Northwind Traders")
        await page.get_by_role("link", name="Edit").click()
        await page.fill("#stage", "won")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("aside#card")).to_contain_text("won")
        assert await page.evaluate("window.notReloaded") is True
        await at(page, stack, "/deals")
        await page.fill("#q", name)
        await expect(page.locator(".person")).to_have_count(1)
        assert complaints == []


async def test_what_is_typed_or_opened_before_the_scripts_are_there_is_asked_for(
    stack: Stack, browser: Browser, rep: Person
) -> None:
    """And so is what stands in the box again on the way back."""
    async with watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], rep)
        at_it = asyncio.Event()

        async def late(route: Route) -> None:
            await at_it.wait()
            await route.continue_()

        await page.route("**/htmx.min.js*", late)
        await page.goto(stack.addresses["app_url"] + "/contacts", wait_until="commit")
        await page.fill("#q", "olivia@northwind.example")
        assert await page.locator(".person").count() > 1
        at_it.set()
        await expect(page.locator(".person")).to_have_count(1)

        await page.locator(".person").click()
        await expect(page.locator("h1")).to_have_text("Olivia Martin")
        await page.go_back()
        await expect(page.locator(".person")).to_have_count(1)

        await page.locator(".person").click()
        await expect(page.locator("h1")).to_have_text("Olivia Martin")
        at_it.clear()
        await page.reload(wait_until="commit")
        await page.locator("details.why summary").first.click()
        history = page.locator("details.why .history").first
        await expect(history).to_contain_text("Loading")
        at_it.set()
        await expect(history).not_to_contain_text("Loading")
        assert complaints == []


@pytest.mark.requirement("P2", "P4")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_a_contact_says_whether_its_opens_are_tracked(
    stack: Stack, browser: Browser, language: str
) -> None:
    """And leads to the basis; once it is saved, the page says so without a reload. Pictures to look at."""
    who = people(stack.sign_ins, Role.REP)[ENGLISH if language == "en" else 0]
    basis, saves = ("legal_basis", {"en": "Save", "ja": "保存"}[language])
    async with signed_in(stack.addresses, stack.sign_ins, Role.SUPER_ADMIN) as admin:
        own = {"Authorization": f"Bearer {admin.token}"}
        settings = f"{admin.app_url}/v1/settings/email"
        before = (await admin.http.get(settings, headers=own)).json()
        answer = await admin.http.put(settings, json=before | {"data_privacy": True}, headers=own)
        assert answer.status_code == 200
        try:
            for scheme, (size, width) in product(SCHEMES, WIDTHS.items()):
                new = {"name": f"Ana {new_id().hex[-8:]}", "addresses": [f"{new_id()}@acme.example"]}
                made = await admin.http.post(f"{admin.app_url}/v1/contacts", json=new, headers=own)
                options: dict[str, Any] = {
                    "viewport": {"width": width, "height": 800},
                    "color_scheme": scheme,
                }
                async with watched(browser, locale=language, **options) as (context, complaints):
                    page = await context.new_page()
                    await sign_in(page, stack.addresses["app_url"], who)
                    await at(page, stack, f"/contacts/{made.json()['id']}")
                    await unmoved(page)
                    said = page.locator(".privacy")
                    await expect(said).to_have_class("privacy untracked")
                    await taken(page, "untracked", f"{language}-{scheme}-{size}")
                    await said.get_by_role("link").focus()
                    await page.keyboard.press("Enter")
                    await expect(page.locator(f"#{basis}")).to_be_focused()
                    await page.select_option(f"#{basis}", "freely_given_consent")
                    await page.get_by_role("button", name=saves).click()
                    await expect(said).to_have_class("privacy")
                    await taken(page, "tracked", f"{language}-{scheme}-{size}")
                    assert await page.evaluate("window.notReloaded") is True
                    assert complaints == []
        finally:
            await admin.http.put(settings, json=before, headers=own)


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_many_contacts_get_a_basis_without_a_reload(
    stack: Stack, browser: Browser, language: str
) -> None:
    """Ticked by keyboard, or all that match a search; what became of them is said. Pictures to look at."""
    who = people(stack.sign_ins, Role.REP)[ENGLISH if language == "en" else 0]
    async with signed_in(stack.addresses, stack.sign_ins, Role.SUPER_ADMIN) as admin:
        for scheme, (size, width) in product(SCHEMES, WIDTHS.items()):
            family, own = f"Bulk{new_id().hex[-8:]}", {"Authorization": f"Bearer {admin.token}"}
            for number in range(60):
                new = {"name": f"{family} {number}", "addresses": [f"n{number}@{family}.example"]}
                made = await admin.http.post(f"{admin.app_url}/v1/contacts", json=new, headers=own)
                assert made.status_code == 201
            options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            async with watched(browser, locale=language, **options) as (context, complaints):
                page = await context.new_page()
                page.on("dialog", lambda dialog: dialog.accept())
                await sign_in(page, stack.addresses["app_url"], who)
                await at(page, stack, "/contacts")
                await unmoved(page)
                async with page.expect_response(f"**/contacts/rows?q={family}"):
                    await page.fill("#q", family)
                await expect(page.locator("#searching")).not_to_have_class("searching htmx-request")
                await page.locator(".bulk summary").focus()
                await page.keyboard.press("Enter")
                await page.locator("#bulk button[value=ticked]").click()
                await expect(page.locator("#bulk-done")).to_be_empty()  # the browser asks for the basis
                await page.select_option("#bulk-kind", "freely_given_consent")
                await page.locator("#bulk button[value=ticked]").click()
                await expect(page.locator("#bulk-done [role=alert]")).to_be_visible()
                first = page.locator(".pick").first
                await first.locator("input").focus()
                await page.keyboard.press("Space")
                await page.locator(".pick").nth(1).locator("input").check()
                await expect(page.locator("#ticked")).to_have_text("(2)")
                await page.fill("#bulk-source", "fair")
                await page.keyboard.press("Enter")
                await expect(page.locator("#bulk-done [role=status]")).to_contain_text("2")
                await expect(first.locator(".tag")).not_to_have_class("tag none")
                await expect(page.locator(".pick .tag.none").first).to_be_visible()
                await expect(first.locator("input")).to_be_checked()
                await taken(page, "bulk", f"{language}-{scheme}-{size}")
                await page.locator("#tick-all").click()
                await expect(page.locator("#ticked")).not_to_have_text("(2)")
                await page.locator("#untick-all").click()
                await expect(page.locator("#ticked")).to_be_hidden()
                await page.route("**/contacts/rows?q=nobody", lambda route: route.abort())
                await page.fill("#q", "nobody")  # typed, but not answered: what is shown counts
                await page.locator("#bulk button[value=all]").click()
                await expect(page.locator("#bulk-done [role=status]")).to_contain_text("58")
                await expect(page.locator(".pick .tag.none")).to_have_count(0)
                assert await page.evaluate("window.notReloaded") is True
                assert [one for one in complaints if "422" not in one] == []


async def test_two_editors_see_each_other_and_lose_nothing(
    stack: Stack, browser: Browser, rep: Person
) -> None:
    async with watched(browser, locale="en") as (context, complaints):
        one, other = await context.new_page(), await context.new_page()
        await sign_in(one, stack.addresses["app_url"], rep)
        await at(one, stack, "/tickets/new")
        await one.fill("#name", "Two editors")
        await one.get_by_role("button", name="Save").click()
        await one.locator("aside#card").wait_for()
        await other.goto(one.url)
        for page, text in ((one, "Mine"), (other, "Theirs")):
            await page.get_by_role("link", name="Edit").click()
            await page.fill("#status", text)
        await other.get_by_role("button", name="Save").click()
        await other.locator("aside#card").wait_for()
        await one.get_by_role("button", name="Save").click()
        await expect(one.get_by_role("alert").first).to_contain_text("Somebody else changed this record")
        await expect(one.locator("#status")).to_have_value("Mine")
        await expect(one.locator(".conflict")).to_contain_text("Theirs")
        await one.get_by_role("button", name="Save").click()
        await expect(one.locator("aside#card")).to_contain_text("Mine")
        assert complaints == []


async def test_a_deletion_is_taken_back_from_the_toast(stack: Stack, browser: Browser, rep: Person) -> None:
    async with watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], rep)
        await at(page, stack, "/companies/new")
        name = f"Short lived {new_id().hex[-8:]}"
        await page.fill("#name", name)
        await page.get_by_role("button", name="Save").click()
        await page.locator("aside#card").wait_for()
        record = page.url
        await page.get_by_role("button", name="Delete").click()
        await expect(page.locator(".toast")).to_contain_text("The company is deleted.")
        await expect(page.locator("#records")).not_to_contain_text(name)
        await page.get_by_role("button", name="Undo").click()
        await page.wait_for_url(record)
        await expect(page.locator("h1")).to_have_text(name)
        assert complaints == []


async def test_a_trouble_is_said_beside_what_is_on_the_screen(
    stack: Stack, browser: Browser, rep: Person
) -> None:
    """The record was deleted in another tab; what is typed stays."""
    async with watched(browser, locale="en") as (context, _):
        page, other = await context.new_page(), await context.new_page()
        await sign_in(page, stack.addresses["app_url"], rep)
        await at(page, stack, "/companies/new")
        await page.fill("#name", "Gone meanwhile")
        await page.get_by_role("button", name="Save").click()
        await page.locator("aside#card").wait_for()
        await other.goto(page.url)
        await page.get_by_role("link", name="Edit").click()
        await page.fill("#domain", "typed.example")
        await other.get_by_role("button", name="Delete").click()
        await other.locator(".toast").wait_for()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#trouble")).to_contain_text("what was here is gone")
        await expect(page.locator("#domain")).to_have_value("typed.example")


async def test_contacts_are_imported_after_a_look(stack: Stack, browser: Browser, rep: Person) -> None:
    """From a file as Excel in Japan writes it; a second time it changes nothing."""
    address = f"import-{new_id().hex[-8:]}@x.example"
    content = f"氏名,メールアドレス,役職\r\n髙橋 一郎,{address},部長\r\n誤り,no address,\r\n".encode("cp932")
    async with watched(browser, locale="en") as (context, complaints):
        page = await context.new_page()
        await sign_in(page, stack.addresses["app_url"], rep)
        for outcome in ("New", "No change"):
            await at(page, stack, "/contacts/import")
            file = {"name": "people.csv", "mimeType": "text/csv", "buffer": content}
            await page.set_input_files("#file", files=file)  # type: ignore[arg-type]
            await page.get_by_role("button", name="Show what it would do").click()
            await expect(page.locator(".planned .tag").first).to_have_text(outcome)
            await expect(page.locator(".planned").nth(1)).to_contain_text("the e-mail address is not valid")
            if outcome == "New":
                await page.get_by_role("button", name="Import", exact=True).click()
                await expect(page.locator("#progress")).to_contain_text("1 contact is new")
                await expect(page.locator(".planned")).to_have_count(1)  # what was taken is no plan
                await expect(page.locator(".planned")).to_contain_text("the e-mail address is not valid")
                await expect(page.locator(".counts-of")).to_have_count(0)
        await at(page, stack, "/contacts")
        await page.fill("#q", address)
        await expect(page.locator(".person")).to_have_count(1)
        await expect(page.locator(".person")).to_contain_text("髙橋 一郎")
        assert complaints == []
