"""A user's own page."""

import pytest

from tests.unit.crm_web.fakes import CSRF, PASSWORD, Browser, FakeCrm

FIELDS = {"name": "Mika Ito", "locale": "ja", "time_zone": "Asia/Tokyo"}


@pytest.mark.requirement("B10")
async def test_language_and_time_zone_are_chosen(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        page = (await client.get("/profile")).text
        assert 'value="en" lang="en" selected' in page
        assert "<option selected>UTC</option>" in page
        assert 'href="/profile"' in (await client.get("/feed")).text
        answer = await client.post("/profile", data=FIELDS | {"csrf_token": CSRF})
        assert (answer.status_code, answer.headers["location"]) == (303, "/profile?saved=true")
        assert "Saved." in (await client.get("/profile?saved=true")).text
        assert (await client.post("/profile", data=FIELDS)).status_code == 403
    assert crm.profiles.changed == [FIELDS]


async def test_a_new_password_needs_the_old_one(browser: Browser, crm: FakeCrm) -> None:
    new = "another good one"
    async with browser() as client:

        async def change(old: str, new: str, token: str = CSRF) -> tuple[int, str]:
            answer = await client.post(
                "/profile/password", data={"old": old, "new": new, "csrf_token": token}
            )
            return answer.status_code, answer.text

        status, html = await change("wrong", new)
        assert (status, "is another one" in html) == (422, True)
        status, html = await change(PASSWORD, "short")
        assert (status, "too short" in html) == (422, True)
        assert (await change(PASSWORD, new, "forged"))[0] == 403
        assert crm.profiles.passwords == []
        assert (await change(PASSWORD, new))[0] == 303
    assert crm.profiles.passwords == [new]
