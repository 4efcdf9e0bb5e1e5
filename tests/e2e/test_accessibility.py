"""axe-core finds nothing serious on any page, in light and dark, at a desk and on a phone."""

from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from playwright.async_api import Page, Playwright, ViewportSize

from deploy.local.rep import Rep, load_pixel, until
from deploy.local.seed import Person, people
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import EXECUTABLE
from tests.integration.browser import QUIET, sign_in

AXE = Path(__file__).parents[2] / "extension" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
UNFOLDED = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
SERIOUS = {"serious", "critical"}
Scheme = Literal["light", "dark"]
LOOKS: list[tuple[Scheme, int]] = list(product(get_args(Scheme), (1200, 360)))
ENGLISH = 1  # the demo account's second super admin; the first is Japanese


async def read_mail(rep: Rep) -> tuple[str, str]:
    """A mail that was logged, opened and stands in the feed; its id and its contact's."""
    contact = (await rep.get("/v1/contacts", q="yamada@sakura.example"))["items"][0]["id"]
    records = [{"record_type": "contact", "record_id": contact}]
    to = [{"address": "yamada@sakura.example"}]
    prepared = await rep.prepare(to, [], subject="お見積もりの件", log=True, records=records)
    await rep.confirm_sent(prepared)
    await load_pixel(rep.http, prepared["pixel_url"])

    async def stands() -> bool | None:
        rows = (await rep.get(f"/v1/contacts/{contact}/timeline"))["items"]
        kinds = {row["type"] for row in rows if row["message_id"] == prepared["message_id"]}
        return True if kinds == {"email", "open"} else None

    await until(stands, "mail and open on the timeline")
    return prepared["message_id"], contact


async def faults(page: Page) -> list[str]:
    """What axe-core has against the page: rule, impact, where."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
    return [
        f"{page.url}: {one['id']} ({one['impact']}): {node['target']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.requirement("B10", "R1", "R3", "A1", "T3")
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_nothing_serious_on_any_page(
    stack: Stack, api: Rep, rep: Person, playwright: Playwright, scheme: Scheme, width: int
) -> None:
    mail, contact = await read_mail(api)
    app, admin = stack.addresses["app_url"], people(stack.sign_ins, Role.SUPER_ADMIN)[ENGLISH]
    lists = [
        f"/{noun}{end}" for noun in ("contacts", "companies", "deals", "tickets") for end in ("", "/new")
    ]
    own = [f"/contacts/{contact}", f"/contacts/{contact}/edit", "/contacts/import", f"/mail/{mail}"]
    own.append(f"/mail/{mail}/associations/edit")
    settings = [
        "/settings/email",
        "/settings/users",
        "/settings/api-tokens",
        "/settings/audit",
        "/settings/retention",
    ]
    settings += ["/profile", "/profile/notifications", "/nothing"]
    found: list[str] = []
    browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=list(QUIET))
    try:
        for who, paths in ((rep, ["/feed", "/accuracy"]), (admin, [*lists, *own, *settings])):
            size: ViewportSize = {"width": width, "height": 900}
            context = await browser.new_context(color_scheme=scheme, viewport=size)
            page = await context.new_page()
            await page.goto(f"{app}/sign-in")
            found += await faults(page)
            await sign_in(page, app, who)
            for path in paths:
                await page.goto(app + path)
                await page.evaluate(UNFOLDED)
                found += await faults(page)
            await context.close()
    finally:
        await browser.close()
    assert found == []


async def test_the_scanner_sees_a_fault(playwright: Playwright) -> None:
    """A picture without words, text that is hardly there."""
    browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=list(QUIET))
    try:
        page = await browser.new_page()
        await page.set_content("<title>x</title><img src=x><p style='color:#ddd;background:#fff'>faint</p>")
        found = await faults(page)
    finally:
        await browser.close()
    assert {"image-alt", "color-contrast"} <= {one.split(": ")[1].split(" ")[0] for one in found}
