"""The addresses on a user's own page, the page that a mailed link leads to, and the forgotten password."""

import pytest

from services.crm.model.accounts import AddressKind
from services.crm.model.addresses import AddressState
from services.crm.model.letters import Trouble
from services.crm.problems import ADDRESS_IN_USE, MAIL_NOT_SET_UP, TOO_MANY_LETTERS
from services.crm.web.words import ADDRESS_STATES, TROUBLES
from shared.auth.tokens import Role
from shared.http.problems import INVALID, Problem
from tests.unit.crm_web.fakes import CSRF, NOW, Browser, FakeCrm, own_address, user, user_row

pytestmark = pytest.mark.requirement("E4")
PATH = "/profile/addresses"
SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}


def test_every_state_and_trouble_has_its_words() -> None:
    assert set(TROUBLES) == set(Trouble)
    assert set(ADDRESS_STATES) == set(AddressState) - {AddressState.PROVEN}


async def test_an_address_is_asked_for_and_the_page_waits_for_news(browser: Browser, crm: FakeCrm) -> None:
    """The list looks again by itself only while there is something to wait for."""
    async with browser() as client:
        assert 'hx-trigger="every' not in (await client.get("/profile")).text
        assert (await client.post(PATH, data={"address": "a@b.test"})).status_code == 403
        html = (await client.post(PATH, data={"address": "a@b.test"}, headers=SCRIPTED)).text
        assert "<html" not in html
        assert "A link goes to a@b.test." in html
        assert 'hx-get="/profile/addresses" hx-trigger="every 3s"' in html
        plain = await client.post(PATH, data={"address": "c@d.test", "csrf_token": CSRF})
        assert (plain.status_code, plain.headers["location"]) == (303, "/profile#addresses")
        listed = (await client.get(PATH)).text
        assert listed.lstrip().startswith("<ul")
        assert listed.count("link is on its way") == 2
    assert crm.addresses.asked == ["a@b.test", "c@d.test"]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (INVALID, "send mail to that address"),
        (TOO_MANY_LETTERS, "within the hour"),
        (MAIL_NOT_SET_UP, "no mail relay"),
    ],
)
async def test_a_refusal_is_said_and_nothing_typed_is_lost(
    browser: Browser, crm: FakeCrm, problem: object, words: str
) -> None:
    crm.addresses.refuse = Problem(problem, "No.")  # type: ignore[arg-type]
    async with browser() as client:
        html = (await client.post(PATH, data={"address": "a@b.test"}, headers=SCRIPTED)).text
        assert words in html
        assert 'value="a@b.test" aria-invalid="true"' in html
        plain = await client.post(PATH, data={"address": "a@b.test", "csrf_token": CSRF})
        assert plain.status_code >= 400
        assert words in plain.text.replace("&#39;", "'")


async def test_what_stands_at_an_address_and_what_can_be_done(browser: Browser, crm: FakeCrm) -> None:
    """Why its link has not gone out; the sign-in address can't be removed."""
    waiting = {
        state: own_address(
            address=f"{state.value}@b.test", state=state, kind=None, mailed_at=NOW, trouble=why
        )
        for state, why in (
            (AddressState.QUEUED, Trouble.UNREACHABLE),
            (AddressState.MAILED, None),
            (AddressState.FAILED, Trouble.REFUSED),
            (AddressState.EXPIRED, None),
        )
    }
    alias = own_address(address="alias@b.test", kind=AddressKind.ALIAS)
    crm.addresses.rows += [alias, *waiting.values()]
    async with browser() as client:
        page = (await client.get("/profile")).text
        for words in ("be reached. Kaifu tries again", "Open the link in the mail of", "does not take mail"):
            assert words in page
        assert page.count("Kaifu tries again") == 1
        assert "was good for a day" in page
        assert f"{PATH}/{waiting[AddressState.EXPIRED].id}/mail" in page
        assert f"{PATH}/{crm.addresses.rows[0].id}/remove" not in page
        assert f"{PATH}/{waiting[AddressState.QUEUED].id}/mail" not in page
        again = f"{PATH}/{waiting[AddressState.FAILED].id}/mail"
        assert again in page
        assert "A link goes to failed@b.test." in (await client.post(again, headers=SCRIPTED)).text
        html = (await client.post(f"{PATH}/{alias.id}/remove", headers=SCRIPTED)).text
        assert "alias@b.test" not in html


@pytest.mark.parametrize("trouble", [one for one in Trouble if one is not Trouble.REFUSED])
async def test_what_is_given_up_is_not_said_to_be_tried_again(
    browser: Browser, crm: FakeCrm, trouble: Trouble
) -> None:
    """Neither on the profile nor to the admin who has invited somebody."""
    given_up = own_address(
        address="a@b.test", state=AddressState.FAILED, kind=None, mailed_at=None, trouble=trouble
    )
    crm.addresses.rows.append(given_up)
    crm.sign_ins.who = user(role=Role.SUPER_ADMIN)
    waits = user_row(name="A", address="a@b.test", mail_trouble=trouble, mail_waits=True)
    over = user_row(name="B", address="b@b.test", mail_trouble=trouble)
    async with browser() as client:
        profile = (await client.get("/profile")).text
        assert "Kaifu has given up; have another link mailed." in profile
        assert "tries again" not in profile
        crm.users.rows = [waits]
        assert "Kaifu tries again." in (await client.get("/settings/users")).text
        crm.users.rows = [over]
        users = (await client.get("/settings/users")).text
        assert "Kaifu has given up; make another link." in users
        assert "tries again" not in users


async def test_without_a_relay_the_page_says_what_is_missing(browser: Browser, crm: FakeCrm) -> None:
    crm.addresses.mail_set_up = False
    async with browser() as client:
        page = (await client.get("/profile")).text
        assert "KAIFU_CRM_SMTP_HOST" in page
        assert 'name="address"' not in page
        forgotten = (await client.get("/forgotten")).text
        assert "Ask a super admin" in forgotten
        assert 'name="address"' not in forgotten


async def test_a_link_is_confirmed_by_a_button(browser: Browser, crm: FakeCrm) -> None:
    """What only follows links proves nothing; nobody is told where the visitor came from."""
    crm.addresses.rows.append(own_address(address="a@b.test", state=AddressState.MAILED, mailed_at=NOW))
    link = f"{PATH}/confirm/the-proof"
    async with browser(signed_in=False) as client:
        away = await client.get(link)
        assert away.headers["location"] == "/sign-in?next=%2Fprofile%2Faddresses%2Fconfirm%2Fthe-proof"
    async with browser() as client:
        page = await client.get(link)
        assert "a@b.test" in page.text
        assert page.headers["referrer-policy"] == "same-origin"
        assert crm.addresses.link == "the-proof"
        assert (await client.post(link)).status_code == 403
        crm.addresses.refuse = Problem(ADDRESS_IN_USE, "No.")
        taken = await client.post(link, data={"csrf_token": CSRF})
        assert (taken.status_code, "Another user sends" in taken.text) == (409, True)
        crm.addresses.refuse = None
        done = await client.post(link, data={"csrf_token": CSRF})
        assert (done.status_code, done.headers["location"]) == (303, "/profile?proven=true")
        assert "The address is confirmed" in (await client.get("/profile?proven=true")).text
        over = await client.get(link)
        assert (over.status_code, "This link is over" in over.text) == (410, True)


@pytest.mark.requirement("A6")
async def test_a_forgotten_password_is_answered_alike_for_everybody(browser: Browser, crm: FakeCrm) -> None:
    async with browser(signed_in=False) as client:
        assert 'href="/forgotten"' in (await client.get("/sign-in")).text
        page = (await client.get("/forgotten")).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        answers = [
            await client.post(
                "/forgotten",
                data={"address": address, "csrf_token": token},
                headers={"X-Forwarded-For": "203.0.113.9"},
            )
            for address in ("mika@example.test", "nobody@example.test")
        ]
        assert answers[0].text == answers[1].text
        assert "mika@example.test" not in answers[0].text
        assert (await client.post("/forgotten", data={"address": "a@b.test"})).status_code == 403
        crm.post.refuse = Problem(TOO_MANY_LETTERS, "No.", headers={"Retry-After": "3600"})
        refused = await client.post("/forgotten", data={"address": "a@b.test", "csrf_token": token})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert [who for who, _ in crm.post.forgotten] == ["mika@example.test", "nobody@example.test"]
    assert {client for _, client in crm.post.forgotten} == {"203.0.113.9"}
