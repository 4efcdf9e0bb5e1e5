"""Settings › Webhooks."""

from datetime import timedelta

import pytest

from services.crm.model.webhooks import DeliveryState, DeliveryTrouble, SwitchedOff, Webhook, WebhookType
from services.crm.web import words
from shared.auth.tokens import Role
from shared.events.ids import new_id
from tests.unit.crm_web.fakes import CSRF, NOW, Browser, FakeCrm, fake_crm, user, webhook_delivery

pytestmark = pytest.mark.requirement("A6", "B9")
PATH = "/settings/webhooks"
SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}
FIELDS = {"url": "https://hooks.example/<a>", "types": ["mail.opened", "mail.sent"]}


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm(user(role=Role.SUPER_ADMIN))


def hook(crm: FakeCrm, **more: object) -> str:
    fields = {
        "id": new_id(),
        "url": "https://hooks.example/",
        "types": (WebhookType.SENT,),
        "created_at": NOW,
        "secret_changed_at": NOW,
    }
    crm.webhooks.rows.append(Webhook.model_validate(fields | more))
    return f"{PATH}/{crm.webhooks.rows[-1].id}"


def test_everything_has_its_words() -> None:
    assert set(words.WEBHOOK_TYPES) == set(WebhookType)
    assert set(words.DELIVERY_STATES) == set(DeliveryState)
    assert set(words.DELIVERY_TROUBLES) == set(DeliveryTrouble)
    assert set(words.SWITCHED_OFF) == set(SwitchedOff)


async def test_an_endpoint_is_made_and_its_secret_shown_once(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        assert "There are no webhooks." in (await client.get(PATH)).text
        assert (await client.post(PATH, data=FIELDS)).status_code == 403
        html = (await client.post(PATH, data=FIELDS, headers=SCRIPTED)).text
        assert "<html" not in html
        assert 'value="whsec_first"' in html
        assert "https://hooks.example/&lt;a&gt;" in html
        page = (await client.get(PATH)).text
        assert "whsec_first" not in page
        assert "mail.opened, mail.sent" in page
        wrong = (await client.post(PATH, data={"url": "http://x.example"}, headers=SCRIPTED)).text
        assert "at least one type of event" in wrong
        assert 'value="http://x.example" aria-invalid="true"' in wrong


async def test_an_endpoint_is_changed_tried_and_removed(browser: Browser, crm: FakeCrm) -> None:
    path = hook(crm)
    async with browser() as client:
        page = (await client.get(path)).text
        assert "Nothing was sent yet" in page
        assert "every 2s" not in page
        data = {"url": "https://other.example/", "types": "mail.clicked"}
        html = (await client.post(path, data=data, headers=SCRIPTED)).text
        assert "Saved." in html
        assert '<span class="tag possible">off</span>' in html
        assert (crm.webhooks.rows[0].active, crm.webhooks.rows[0].url) == (False, data["url"])
        assert "at least one type" in (await client.post(path, data={"url": "x"}, headers=SCRIPTED)).text
        html = (await client.post(f"{path}/secret", headers=SCRIPTED)).text
        assert 'value="whsec_second"' in html
        assert "signed with the old secret too" in html
        html = (await client.post(f"{path}/test", headers=SCRIPTED)).text
        assert 'hx-trigger="every 2s"' in html
        assert "webhook.test" in html
        gone = await client.post(f"{path}/remove", headers=SCRIPTED)
        assert gone.headers["hx-redirect"] == PATH
        assert (await client.get(path)).status_code == 404


async def test_what_came_of_deliveries(browser: Browser, crm: FakeCrm) -> None:
    path = hook(crm, failing_since=NOW)
    id_ = crm.webhooks.rows[0].id
    waiting = {"attempts": 2, "next_at": NOW + timedelta(minutes=5), "status_code": 500}
    over = {"attempts": 10, "next_at": None, "state": DeliveryState.GIVEN_UP}
    crm.webhooks.sent = [
        webhook_delivery(id_, type="mail.sent", trouble=DeliveryTrouble.ANSWER, **waiting),
        webhook_delivery(id_, type="mail.opened", trouble=DeliveryTrouble.TOO_SLOW, **over),
        webhook_delivery(id_, state=DeliveryState.DELIVERED, next_at=None, attempts=1, status_code=204),
    ]
    async with browser() as client:
        page = (await client.get(path)).text
        for said in ("answer 500", "2 attempts", "next attempt", "did not answer within 10", "answer 204"):
            assert said in page, said
        assert "nothing arrives since" in page
        assert page.count("Send again") == 2
        assert "every 2s" not in page, "nothing is to happen soon"
        given_up = crm.webhooks.sent[1].id
        html = (await client.post(f"{path}/deliveries/{given_up}/again", headers=SCRIPTED)).text
        assert html.count("Send again") == 1
        assert "every 2s" in html


@pytest.mark.parametrize(("reason", "said"), [("gone", "(410)"), ("failing", "for five days")])
async def test_an_endpoint_that_kaifu_switched_off_says_why(
    browser: Browser, crm: FakeCrm, reason: str, said: str
) -> None:
    path = hook(crm, active=False, switched_off=reason)
    async with browser() as client:
        assert said in (await client.get(path)).text
        assert "switched off" in (await client.get(PATH)).text
    async with browser(language="ja") as client:
        assert "Webhook" in (await client.get(path)).text


async def test_only_super_admins_see_the_pages(browser: Browser, crm: FakeCrm) -> None:
    path = hook(crm)
    crm.sign_ins.who = user()
    async with browser() as client:
        assert [(await client.get(one)).status_code for one in (PATH, path)] == [403, 403]
        assert (await client.post(f"{path}/test", headers=SCRIPTED)).status_code == 403
