"""Settings › Users, and the page where a password is chosen."""

import re

import pytest

from services.crm.model.users import UserState
from services.crm.problems import ADDRESS_IN_USE, LAST_SUPER_ADMIN, NAME_TAKEN
from shared.auth.tokens import Role
from shared.http.problems import Problem
from tests.unit.crm_web.fakes import APP, CSRF, Browser, FakeCrm, fake_crm, user, user_row

SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}
PATH = "/settings/users"


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm(user(role=Role.SUPER_ADMIN))


async def posted(browser: Browser, path: str, fields: dict[str, str], status: int = 200) -> str:
    async with browser() as client:
        answer = await client.post(path, data=fields, headers=SCRIPTED)
    assert answer.status_code == status
    return answer.text


@pytest.mark.requirement("A6")
async def test_somebody_is_invited_and_the_link_is_shown_once(browser: Browser, crm: FakeCrm) -> None:
    fields = {"name": "Mai <b>", "address": " mai@example.test ", "role": "admin"}
    html = await posted(browser, PATH, fields)
    assert f'value="{APP}/welcome/the-link"' in html
    assert "A link for Mai &lt;b&gt;" in html
    assert "<html" not in html
    async with browser() as client:
        page = (await client.get(PATH)).text
    assert "the-link" not in page
    assert "invited" in page
    assert [(row.address.strip(), row.role) for row in crm.users.rows] == [("mai@example.test", Role.ADMIN)]


@pytest.mark.requirement("A6")
@pytest.mark.parametrize(
    ("problem", "words"), [(NAME_TAKEN, "signs in with this address"), (LAST_SUPER_ADMIN, "needs one")]
)
async def test_a_refusal_is_said_and_nothing_typed_is_lost(
    browser: Browser, crm: FakeCrm, problem: object, words: str
) -> None:
    crm.users.rows = [user_row()]
    crm.users.refuse = Problem(problem, "No.")  # type: ignore[arg-type]
    html = await posted(browser, PATH, {"name": "Mai", "address": "mai@example.test", "role": "admin"})
    assert words in html
    assert 'value="mai@example.test"' in html
    assert re.search(r'value="admin" selected', html)
    row = crm.users.rows[0]
    assert words in await posted(browser, f"{PATH}/{row.id}/role", {"role": "rep"})


@pytest.mark.requirement("A6")
async def test_roles_links_and_leaving(browser: Browser, crm: FakeCrm) -> None:
    """Who has left is there without anything to change; nobody hands over to oneself."""
    mika, mai, gone = user_row(), user_row(name="Mai"), user_row(name="Gone", state=UserState.LEFT)
    crm.users.rows = [mika, mai, gone]
    async with browser() as client:
        page = (await client.get(PATH)).text
    assert f"{PATH}/{gone.id}" not in page
    assert f'<option value="{gone.id}"' not in page
    leaving = page.split(f"{PATH}/{mika.id}/leave")[2].split("</form>")[0]
    assert (f'value="{mai.id}"' in leaving, f'value="{mika.id}"' in leaving) == (True, False)
    await posted(browser, f"{PATH}/{mai.id}/role", {"role": "admin"})
    assert "3 records have another owner" in await posted(
        browser, f"{PATH}/{mai.id}/leave", {"successor": str(mika.id)}
    )
    assert "/welcome/the-link" in await posted(browser, f"{PATH}/{mika.id}/link", {})
    assert crm.users.done == [("role", mai.id, Role.ADMIN), ("left", mai.id, mika.id)]


@pytest.mark.requirement("A6")
async def test_only_for_super_admins(browser: Browser, crm: FakeCrm) -> None:
    """Whose page says why."""
    crm.sign_ins.who = user(role=Role.ADMIN)
    async with browser() as client:
        answer = await client.get(PATH)
    assert (answer.status_code, "Ask a super admin" in answer.text) == (403, True)
    await posted(browser, PATH, {"name": "Mai", "address": "mai@example.test"}, 403)
    assert crm.users.rows == []


@pytest.mark.requirement("A6")
async def test_a_password_is_chosen_with_the_link_once(browser: Browser, crm: FakeCrm) -> None:
    """By whoever holds it, signed in or not; our own form alone; the link is told to no other site."""
    async with browser(signed_in=False, language="ja") as client:
        page = await client.get("/welcome/the-link")
        assert (page.status_code, page.headers["referrer-policy"]) == (200, "same-origin")
        form = dict(re.findall(r'name="(csrf_token)" value="([^"]+)"', page.text))
        forged = await client.post("/welcome/the-link", data={"password": "long enough it is"})
        assert forged.status_code == 403
        short = await client.post("/welcome/the-link", data=form | {"password": "short"})
        assert (short.status_code, "10 文字以上" in short.text) == (422, True)
        good = await client.post("/welcome/the-link", data=form | {"password": "long enough it is"})
        assert (good.status_code, good.headers["location"]) == (303, "/sign-in")
        over = await client.get("/welcome/the-link")
        assert (over.status_code, "このリンクは使えません" in over.text) == (410, True)
    assert crm.users.done == [("password", "long enough it is", "ja")]


@pytest.mark.requirement("B10")
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize(("accepted", "told"), [("ja, en;q=0.5", "ja"), ("fr", None), ("", None)])
async def test_a_newcomers_language_is_what_the_browser_asks_for(
    browser: Browser, crm: FakeCrm, signed_in: bool, accepted: str, told: str | None
) -> None:
    """None, and so the inviter's, where it asks for none of ours; never that of who is signed in there."""
    async with browser(signed_in=signed_in, language=accepted) as client:
        page = await client.get("/welcome/the-link")
        form = dict(re.findall(r'name="(csrf_token)" value="([^"]+)"', page.text))
        await client.post("/welcome/the-link", data=form | {"password": "long enough it is"})
    assert crm.users.done == [("password", "long enough it is", told)]


@pytest.mark.requirement("A6")
async def test_the_page_says_what_becomes_of_api_tokens(browser: Browser, crm: FakeCrm) -> None:
    """A link ends them; who knows the password keeps them and may revoke them."""
    ends, stay = "API tokens that you have made are revoked", "API tokens stay good"
    async with browser() as client:
        assert ends in (await client.get("/welcome/the-link")).text
        crm.users.owner = user(invited=True)
        assert ends not in (await client.get("/welcome/the-link")).text
        assert stay in (await client.get("/profile")).text
        crm.sign_ins.who = user()
        assert stay not in (await client.get("/profile")).text, "reps have none"


@pytest.mark.requirement("A6", "E4")
async def test_an_invitation_to_an_address_of_somebody_else_is_refused_in_words(
    browser: Browser, crm: FakeCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken(*_: object) -> None:
        raise Problem(ADDRESS_IN_USE, "No.")

    monkeypatch.setattr(crm.users, "choose_password", taken)
    async with browser(signed_in=False) as client:
        page = await client.get("/welcome/the-link")
        form = dict(re.findall(r'name="(csrf_token)" value="([^"]+)"', page.text))
        answer = await client.post("/welcome/the-link", data=form | {"password": "long enough it is"})
    assert (answer.status_code, "Another user sends from this address" in answer.text) == (409, True)
