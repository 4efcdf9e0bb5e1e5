"""What the account allows is what the compose window offers, at once; and which records it offers."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import expect

from deploy.local.rep import Json, Rep, http_client, until
from deploy.local.seed import people
from deploy.local.sign_in import access_token
from deploy.local.stack import Stack
from shared.auth.tokens import Role
from tests.e2e.chromium import worker_of
from tests.e2e.records import new_contact
from tests.e2e.rep import Desk, new_compose

FREE = {"tracking": True, "logging": True, "log_attachments": True, "data_privacy": False}
Change = Callable[..., Awaitable[None]]


@pytest.fixture
async def change(stack: Stack) -> AsyncIterator[Change]:
    """Changes settings of the account as its super admin; in the end they are as at first."""
    admin, url = people(stack.sign_ins, Role.SUPER_ADMIN)[0], stack.addresses["app_url"]
    async with http_client() as http:
        token = await access_token(http, url, admin.address, admin.password)

        async def put(**settings: bool) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            answer = await http.put(f"{url}/v1/settings/email", json=FREE | settings, headers=headers)
            assert answer.status_code == 200, answer.text

        yield put
        await put()


async def create(api: Rep, noun: str, **fields: object) -> Json:
    """A record."""
    headers = {"Authorization": f"Bearer {api.token}"}
    answer = await api.http.post(f"{api.app_url}/v1/{noun}", headers=headers, json=fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.requirement("A4", "P2", "P3", "T1", "L1", "B10")
async def test_an_open_window_follows_the_account(desk: Desk, api: Rep, change: Change) -> None:
    """Greyed with the account's reason within seconds of the change, without anything being touched."""
    contact = await new_contact(api, "no-basis@rules.example")
    compose = await new_compose(desk.page)
    await compose.write(contact["addresses"][0], "Rules", "<p>Hello</p>")
    reason = compose.window.locator(".kaifu-reason")
    await expect(compose.track).to_be_checked()
    await change(tracking=False)
    await expect(compose.track).to_be_disabled()
    await expect(reason).to_have_text("Tracking is off for your account")
    await expect(compose.log).to_be_enabled()
    await change(data_privacy=True, logging=False)
    await expect(compose.log).to_be_disabled()
    await expect(compose.track).to_be_disabled()
    await expect(reason).to_have_text(
        "No recipient has a legal basis for processing · Logging is off for your account"
    )
    basis = {"kind": "freely_given_consent", "source": "test"}
    agreed = await create(
        api, "contacts", name="Agreed", addresses=["agreed@rules.example"], legal_basis=basis
    )
    box = compose.window.get_by_role("combobox", name="to")
    await box.fill(agreed["addresses"][0])
    await box.press("Enter")
    await expect(compose.track).to_be_checked()
    await expect(reason).to_have_text("Logging is off for your account")
    await change()
    await expect(compose.log).to_be_checked()
    await expect(reason).to_have_text("")


@pytest.mark.requirement("L2", "L3", "L4")
async def test_what_belongs_to_a_contact_is_ticked_with_it(desk: Desk, api: Rep) -> None:
    """Primary company and open deals; the mail stands on them, and not on the one that was unticked."""
    company = await create(api, "companies", name="Belonging Ltd")
    belongs = {"record_type": "company", "record_id": company["id"], "primary": True}
    contact = await create(
        api, "contacts", name="Bea", addresses=["Bea@belonging.example"], associations=[belongs]
    )
    to_bea = [{"record_type": "contact", "record_id": contact["id"]}]
    kept, unticked, closed = [
        await create(api, "deals", name=name, open=name != "Closed", associations=to_bea)
        for name in ("Kept", "Unticked", "Closed")
    ]
    compose = await new_compose(desk.page)
    worker = await worker_of(desk.browser)
    await worker.evaluate(_WATCH)
    await compose.write("bea@belonging.example", "To all of them", "<p>Hello</p>")
    opener = compose.window.locator(".kaifu-records")
    await expect(opener).to_have_text("Records (4)")
    asked: list[str] = await worker.evaluate("self.paths")
    assert set(asked) == {"/v1/compose-context"}
    await opener.click()
    menu = desk.page.locator(".kaifu-menu:popover-open")
    await expect(menu).not_to_contain_text("Closed")
    await menu.get_by_label("Unticked").uncheck()
    await desk.page.keyboard.press("Escape")
    await expect(opener).to_have_text("Records (3)")
    await compose.send()
    await desk.gmail.sent(1)

    async def stands_on(path: str) -> bool:
        rows = (await api.get(f"{path}/timeline", type="email"))["items"]
        return any(row["subject"] == "To all of them" for row in rows)

    paths = [f"/v1/companies/{company['id']}", f"/v1/contacts/{contact['id']}", f"/v1/deals/{kept['id']}"]

    async def logged() -> bool | None:
        return all([await stands_on(path) for path in paths]) or None

    await until(logged, "the mail on the records that were ticked", 20.0)
    for deal in (unticked, closed):
        assert not await stands_on(f"/v1/deals/{deal['id']}")


_WATCH = """() => {
    self.paths = [];
    self.plainFetch ??= self.fetch;
    self.fetch = (url, ...more) => {
        self.paths.push(new URL(url).pathname);
        return self.plainFetch(url, ...more);
    };
}"""
