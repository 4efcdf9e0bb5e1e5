"""Settings › Retention: counted first, then saved."""

import pytest

from shared.auth.tokens import Role
from tests.unit.crm_web.fakes import CSRF, Browser, FakeCrm, fake_crm, user

pytestmark = pytest.mark.requirement("A6")
PATH = "/settings/retention"
SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm(user(role=Role.SUPER_ADMIN))


async def test_what_would_go_is_counted_before_it_can_be_saved(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        page = (await client.get(PATH)).text
        assert "Now: for ever." in page
        assert f'action="{PATH}"' not in page, "nothing to save before it was counted"
        counted = (await client.post(f"{PATH}/count", data={"months": "12"}, headers=SCRIPTED)).text
        assert "<html" not in counted
        for words in ("the bodies of 3 mails", "the attachments of 1 mail", "0 raw hits", "Nov 29, 2025"):
            assert words in counted
        assert '<input type="hidden" name="months" value="12">' in counted
        assert "hx-confirm" in counted
        assert crm.retention.kept is None
        saved = (await client.post(PATH, data={"months": "12"}, headers=SCRIPTED)).text
        assert "Saved. What is too old is deleted from now on." in saved
        assert "Now: 12 months." in saved
        for_ever = (await client.post(f"{PATH}/count", data={"months": ""}, headers=SCRIPTED)).text
        assert "nothing is deleted" in for_ever
        assert "hx-confirm" not in for_ever
        assert (await client.post(PATH, data={"months": ""})).status_code == 403
        await client.post(PATH, data={"months": "", "csrf_token": CSRF})
    assert crm.retention.kept is None


@pytest.mark.parametrize("typed", ["0", "241", "-1", "1.5", "twelve", "１２"])
async def test_what_is_no_number_of_months_saves_nothing(browser: Browser, crm: FakeCrm, typed: str) -> None:
    crm.retention.kept = 6
    async with browser() as client:
        for path in (PATH, f"{PATH}/count"):
            html = (await client.post(path, data={"months": typed}, headers=SCRIPTED)).text
            assert "from 1 to 240" in html
            assert 'aria-invalid="true"' in html
    assert crm.retention.kept == 6


async def test_only_super_admins_see_it(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user()
    async with browser() as client:
        assert (await client.get(PATH)).status_code == 403
