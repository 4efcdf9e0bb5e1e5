"""Settings › API tokens."""

import pytest

from services.crm.web.words import SCOPES
from shared.auth.scopes import Scope
from shared.auth.tokens import Role
from tests.unit.crm_web.fakes import CSRF, Browser, FakeCrm, fake_crm, user

pytestmark = pytest.mark.requirement("A6")
PATH = "/settings/api-tokens"
SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}
FIELDS = {"name": "Import <b>", "scopes": ["records.read", "mail.read"], "days": "30"}


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm(user(role=Role.SUPER_ADMIN))


def test_every_scope_has_its_words() -> None:
    assert set(SCOPES) == set(Scope)


async def test_a_token_is_made_shown_once_and_revoked(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        assert "There are no API tokens." in (await client.get(PATH)).text
        assert (await client.post(PATH, data=FIELDS)).status_code == 403
        html = (await client.post(PATH, data=FIELDS, headers=SCRIPTED)).text
        assert "<html" not in html
        assert 'value="kaifu_the-secret"' in html
        assert "Import &lt;b&gt;" in html
        page = (await client.get(PATH)).text
        assert "kaifu_the-secret" not in page
        for words in ("…cret", "records.read, mail.read", "never used", 'href="/settings/api-tokens"'):
            assert words in page
        (token,) = crm.api_tokens.tokens
        assert (token.scopes, crm.api_tokens.days) == ((Scope.RECORDS_READ, Scope.MAIL_READ), 30)
        gone = await client.post(f"{PATH}/{token.id}/revoke", headers=SCRIPTED)
        assert "There are no API tokens." in gone.text


async def test_what_is_missing_is_said_and_nothing_typed_is_lost(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        html = (await client.post(PATH, data={"name": "Import", "days": "180"}, headers=SCRIPTED)).text
        assert "at least one scope" in html
        assert 'value="Import" aria-invalid="true"' in html
        assert '<option value="180" selected>' in html
        unknown = await client.post(PATH, data=FIELDS | {"scopes": "everything"}, headers=SCRIPTED)
        assert unknown.status_code == 422


async def test_only_super_admins_see_the_page(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user()
    async with browser() as client:
        answer = await client.get(PATH)
    assert (answer.status_code, "Only for super admins" in answer.text) == (403, True)
