"""Pictures of crm's pages with data, in both languages, colour schemes and widths, taken in real Chromium.

They stand in tests/integration/pictures.FOLDER, to look at. No page scrolls sideways, asks for what its
policy forbids, or writes an error into the browser's console.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, expect

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.rep import Rep
from deploy.local.seed import Person, people
from deploy.local.sign_in import CLIENT_ID
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.integration.browser import sign_in, sign_in_to, until_live, watched
from tests.integration.client import UNHURRIED, clean_environment, signed_in
from tests.integration.demo_mail import MAILS, send
from tests.integration.pictures import Camera

pytestmark = [
    pytest.mark.integration,
    pytest.mark.requirement("B10"),
    pytest.mark.parametrize("language", ["en", "ja"]),
]
NUMBERS = {"ja": 0, "en": 1}  # of the demo account's reps, and of its super admins
NAMES = {
    "en": {
        "contacts": "Olivia Martin",
        "companies": "Northwind Traders",
        "deals": "Renewal 2027",
        "tickets": "Single sign-on",
    },
    "ja": {
        "contacts": "山田 花子",
        "companies": "さくら商事株式会社",
        "deals": "新ライン導入",
        "tickets": "請求書の宛名変更",
    },
}
ASKED = {  # what an extension asks for that signs in
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": f"https://{'a' * 32}.chromiumapp.org/",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
    "code_challenge_method": "S256",
    "state": "of-the-extension",
    "login_hint": "ren@kaifu.example",
}
PEOPLE_FILE = """氏名,メールアドレス,役職,法的根拠,趣味
佐藤 健,sato-{language}@sakura.example,部長,契約の履行,登山
山田 花子,yamada@sakura.example,取締役,,
Olivia Martin,olivia@northwind.example,,,
,no address,,,
Nobody,nobody@x.example,,because,
"""
CONFLICT = "Response Status Error Code 412"  # htmx's word for a form that somebody else was faster than
Opening = Callable[[str], AbstractAsyncContextManager[Camera]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """All services with the demo account alone, and mail of both reps."""
    patient = {"KAIFU_DIRECTORY_DEADLINE_S": "10"}  # all has just started, on a busy machine
    base = clean_environment() | UNHURRIED | patient
    home = Home(tmp_path_factory.mktemp("demo"))
    async with Stack(home, Ports.free(), base=base, tell=print) as stack:
        for language in MAILS:
            await mailed(stack, language)
        yield stack


async def mailed(stack: Stack, language: str) -> None:
    async with signed_in(stack.addresses, stack.sign_ins, number=NUMBERS[language]) as rep:
        for mail in MAILS[language]:
            await send(rep, mail)


def is_fault(said: ConsoleMessage) -> bool:
    """An error of a script, or a file that is not there. Pages that are errors themselves are meant."""
    if said.type != "error" or said.text.startswith(CONFLICT):
        return False
    return not said.text.startswith("Failed to load") or "/static/" in said.location["url"]


@pytest.fixture
def opening(demo: Stack, browser: Browser) -> Opening:
    """A camera with nobody signed in."""

    @asynccontextmanager
    async def open_(language: str) -> AsyncIterator[Camera]:
        async with watched(browser, locale=language) as (context, complaints):
            page = await context.new_page()
            page.on("console", lambda said: complaints.append(said.text) if is_fault(said) else None)
            yield Camera(page, demo.addresses["app_url"], language)
            assert complaints == []

    return open_


def rep_of(stack: Stack, language: str, role: Role = Role.REP) -> Person:
    return people(stack.sign_ins, role)[NUMBERS[language]]


@pytest.mark.requirement("A6")
async def test_pictures_of_the_doors(demo: Stack, opening: Opening, language: str) -> None:
    """Before somebody is signed in, and what meets a newcomer."""
    async with (
        opening(language) as camera,
        signed_in(demo.addresses, demo.sign_ins, Role.SUPER_ADMIN) as admin,
    ):
        page, newcomer = camera.page, Person("Ren", f"ren-{language}@kaifu.example", "long enough", Role.REP)
        await camera.go("/sign-in")
        await page.fill("input[name=address]", newcomer.address)
        await page.fill("input[name=password]", "not this one")
        await page.click("button.primary")
        await page.locator("[role=alert]:not(:empty)").wait_for()
        await camera.take("sign-in")
        await page.goto(await invited(admin, newcomer))
        await camera.take("welcome")
        link = page.url
        await page.fill("#password", newcomer.password)
        await page.click("button.primary")
        await page.wait_for_url("**/sign-in")
        await sign_in(page, admin.app_url, newcomer)
        await until_live(page)
        await camera.take("feed-empty")
        await page.goto(link)
        await camera.take("link-over")
        await camera.go("/settings/email")
        await camera.take("not-yours")
        await camera.go("/nothing")
        await camera.take("not-found")
        await camera.go(f"/oauth/authorize?{urlencode(ASKED)}")
        await camera.take("allow")


async def invited(admin: Rep, who: Person) -> str:
    """The link of the invitation."""
    answer = await admin.http.post(
        f"{admin.app_url}/v1/users",
        json={"name": who.name, "address": who.address},
        headers={"Authorization": f"Bearer {admin.token}"},
    )
    assert answer.status_code == 201
    return str(answer.json()["url"])


@pytest.mark.requirement("R1", "B6")
async def test_pictures_of_feed_and_lists(demo: Stack, opening: Opening, language: str) -> None:
    """The feed with the evidence of a row, each list and its form, and the import of a file."""
    async with opening(language) as camera:
        page = camera.page
        await sign_in(page, demo.addresses["app_url"], rep_of(demo, language))
        await until_live(page)
        row = page.locator(".mail[data-state=opened]").first
        await row.locator("summary").click()
        await row.locator(".engagements").wait_for()
        await camera.take("feed")
        await camera.visit("contacts", "contact-new", "companies", "company-new")
        await camera.visit("deals", "deal-new", "tickets", "ticket-new", "import")
        file = {
            "name": "people.csv",
            "mimeType": "text/csv",
            "buffer": PEOPLE_FILE.format(language=language).encode("cp932"),
        }
        await page.set_input_files("#file", files=file)  # type: ignore[arg-type]
        await page.click("button.primary")
        await page.locator(".plan").wait_for()
        await camera.take("import-plan")
        await page.click("form[action$='/apply'] button")
        await page.locator("#progress strong").first.wait_for()
        await camera.take("import-done")
        await camera.go("/contacts?q=nobody")
        await camera.take("contacts-nothing-found")


@pytest.mark.requirement("R1", "R2")
async def test_pictures_of_records(demo: Stack, opening: Opening, language: str) -> None:
    """One of each kind with its timeline, and its form with what a search for associations finds."""
    async with opening(language) as camera:
        page = camera.page
        await sign_in(page, demo.addresses["app_url"], rep_of(demo, language))
        shown: tuple[tuple[str, Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]], ...] = (
            ("companies", lambda: camera.take("company"), lambda: camera.take("company-edit")),
            ("deals", lambda: camera.take("deal"), lambda: camera.take("deal-edit")),
            ("tickets", lambda: camera.take("ticket"), lambda: camera.take("ticket-edit")),
        )
        for path, record, form in shown:
            await camera.go(f"/{path}")
            await page.locator("a.person", has_text=NAMES[language][path]).click()
            await page.locator(".timeline").wait_for()
            await record()
            await page.goto(f"{page.url}/edit")
            await page.fill("input[name=associate_q]", "example")
            await page.select_option("select[name=associate_type]", "contact")
            await page.locator(".found button").first.wait_for()
            await form()


@pytest.mark.requirement("R1", "R2", "P4")
async def test_pictures_of_a_contact(demo: Stack, opening: Opening, language: str) -> None:
    """Its timeline, the history of its basis, a form that somebody else was faster than, and a deletion
    that can be taken back."""
    async with opening(language) as camera:
        page = camera.page
        await sign_in(page, demo.addresses["app_url"], rep_of(demo, language))
        await camera.go("/contacts")
        await page.locator("a.person", has_text=NAMES[language]["contacts"]).click()
        await page.locator(".timeline").wait_for()
        record = page.url
        await camera.take("contact")
        await page.goto(f"{record}/edit")
        await camera.take("contact-edit")
        await changed_meanwhile(camera, record)
        await page.fill("#phone", "+81 3 1234 5678")
        await page.click("#card button.primary")
        await page.locator(".conflict").wait_for()
        await camera.take("contact-changed-meanwhile")
        await page.goto(record)
        await page.locator("details.why summary").first.click()
        await page.locator(".bases").wait_for()
        await camera.take("contact-legal-basis")
        await page.click("#card form[action$='/delete'] button")
        await page.locator(".toast form").wait_for()
        await camera.take("contact-deleted")
        await page.click(".toast form button")
        await page.wait_for_url(record)


async def changed_meanwhile(camera: Camera, record: str) -> None:
    """In another tab."""
    other = await camera.page.context.new_page()
    await other.goto(f"{record}/edit")
    await other.fill("#phone", "+81 3 0000 0000")
    await other.select_option("#legal_basis", "freely_given_consent")
    await other.click("#card button.primary")
    await other.locator("aside#card").wait_for()
    await other.close()


@pytest.mark.requirement("L8")
async def test_pictures_of_a_dry_run(demo: Stack, opening: Opening, language: str) -> None:
    """What an entry would have changed in past mail."""
    async with opening(language) as camera:
        page, admin = camera.page, rep_of(demo, language, Role.SUPER_ADMIN)
        await sign_in_to(page, demo.addresses["app_url"], admin, "/settings/email")
        await page.fill("#added", "suzuki@sakura.example\nzoe@northwind.example")
        await page.click("#never-log button[formaction='/settings/dry-run']")
        await expect(page.locator("#dry-run .tried li.event")).not_to_have_count(0)
        await camera.take("dry-run")
