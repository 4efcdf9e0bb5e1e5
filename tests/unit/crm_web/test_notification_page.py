"""The rep's page of notifications, and the buttons that mute (B8)."""

from typing import Any

import pytest

from services.crm.model.notification_policies import NotificationPolicy
from shared.events.ids import new_id
from shared.events.notification_policies import OpensWanted, QuietHours
from tests.unit.crm_web.fakes import CSRF, Browser, FakeCrm, feed_row, recipient

pytestmark = pytest.mark.requirement("B8")
HX = {"HX-Request": "true", "X-CSRF-Token": CSRF}
PAGE = "/profile/notifications"
WEEKDAYS = [str(day) for day in range(1, 6)]
FORM: dict[str, Any] = {
    "opens": "after_pause",
    "pause_days": "3",
    "begin-0": "19:00",
    "end-0": "08:30",
    "days-0": WEEKDAYS,
    "begin-1": "",
    "end-1": "",
    "days-1": WEEKDAYS,
}
NIGHTS = QuietHours(days=(1, 2, 3, 4, 5), begin=19 * 60, end=8 * 60 + 30)
WANTED = NotificationPolicy(opens=OpensWanted.AFTER_PAUSE, pause_days=3, clicks=False, quiet_hours=(NIGHTS,))


async def test_the_form_is_saved_and_shown_as_it_was(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        page = (await client.get(PAGE)).text
        assert 'value="every" checked' in page
        assert f'href="{PAGE}"' in (await client.get("/profile")).text
        assert (await client.post(PAGE, data=FORM)).status_code == 403
        assert crm.notification_policies.policy == NotificationPolicy()
        answer = await client.post(PAGE, data=FORM, headers=HX)
        assert (answer.status_code, "Saved." in answer.text) == (200, True)
        assert crm.notification_policies.policy == WANTED
        page = (await client.get(PAGE)).text
        assert 'value="after_pause" checked' in page
        assert 'value="19:00"' in page
        assert 'value="08:30"' in page
        plain = await client.post(PAGE, data=FORM | {"csrf_token": CSRF, "clicks": "on"})
        assert (plain.status_code, plain.headers["location"]) == (303, PAGE)
    assert crm.notification_policies.policy == WANTED.model_copy(update={"clicks": True})


async def test_a_row_is_removed_and_the_rest_is_saved(browser: Browser, crm: FakeCrm) -> None:
    two = FORM | {"begin-1": "00:00", "end-1": "00:00", "days-1": ["6", "7"]}
    async with browser() as client:
        await client.post(PAGE, data=two, headers=HX)
        assert len(crm.notification_policies.policy.quiet_hours) == 2
        await client.post(PAGE, data=two | {"left_out": "0"}, headers=HX)
    assert crm.notification_policies.policy.quiet_hours == (QuietHours(days=(6, 7), begin=0, end=0),)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pause_days": "0"}, "from 1 to 365"),
        ({"pause_days": "soon"}, "from 1 to 365"),
        ({"pause_days": ""}, "from 1 to 365"),
        ({"end-0": ""}, "both times"),
        ({"begin-0": "25:00"}, "both times"),
        ({"days-0": []}, "both times"),
        ({"days-0": ["9", "x"]}, "both times"),
        ({"opens": "never"}, "could not be saved"),
    ],
)
async def test_what_can_not_be_saved_is_said_beside_what_was_typed(
    browser: Browser, crm: FakeCrm, wrong: dict[str, Any], said: str
) -> None:
    async with browser() as client:
        answer = await client.post(PAGE, data=FORM | wrong, headers=HX)
        assert said in answer.text
        assert 'role="alert"' in answer.text
        plain = await client.post(PAGE, data=FORM | wrong | {"csrf_token": CSRF})
        assert (plain.status_code, said in plain.text) == (422, True)
    assert crm.notification_policies.policy == NotificationPolicy()


async def test_the_days_of_a_pause_do_not_matter_where_there_is_none(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        await client.post(PAGE, data={"opens": "first", "pause_days": ""}, headers=HX)
    assert crm.notification_policies.policy == NotificationPolicy(opens=OpensWanted.FIRST, clicks=False)


async def test_the_row_of_the_feed_mutes_its_mail(browser: Browser, crm: FakeCrm) -> None:
    crm.feed.rows = [feed_row()]
    path = f"/feed/rows/{crm.feed.rows[0].message_id}/mute"
    async with browser() as client:
        assert f'hx-put="{path}"' in (await client.get("/feed")).text
        assert (await client.put(path)).status_code == 403
        row = (await client.put(path, headers=HX)).text
        assert f'hx-delete="{path}"' in row
        assert '<span class="tag">muted</span>' in row
        assert crm.feed.rows[0].muted
        row = (await client.delete(path, headers=HX)).text
        assert "muted</span>" not in row
        assert (await client.put(f"/feed/rows/{new_id()}/mute", headers=HX)).status_code == 404
    assert not crm.feed.rows[0].muted


@pytest.mark.parametrize(("slots", "muted"), [((), False), ((1,), False), ((0, 1), True)])
async def test_a_row_is_called_muted_if_all_of_its_recipients_are(
    browser: Browser, crm: FakeCrm, slots: tuple[int, ...], muted: bool
) -> None:
    crm.feed.rows = [feed_row(recipients=(recipient(0), recipient(1)), muted_slots=slots)]
    async with browser() as client:
        assert ("muted</span>" in (await client.get("/feed")).text) is muted


async def test_the_pages_of_a_mail_and_of_a_contact_mute_it(browser: Browser, crm: FakeCrm) -> None:
    contact = new_id()
    path = f"/contacts/{contact}/mute"
    async with browser() as client:
        assert f'hx-delete="{path}"' in (await client.put(path, headers=HX)).text
        assert contact in crm.mutes.muted
        assert "Aiko Tanaka" in (await client.get(PAGE)).text
        gone = await client.post(f"{PAGE}/unmute/{contact}", headers=HX)
        assert "No contact is muted." in gone.text
        await client.put(path, headers=HX)
        assert f'hx-put="{path}"' in (await client.delete(path, headers=HX)).text
        assert crm.mutes.muted == {}
        crm.mutes.full = True
        assert "Too many contacts are muted." in (await client.put(path, headers=HX)).text
        crm.feed.rows = [feed_row()]
        mail = f"/mail/{crm.feed.rows[0].message_id}/mute"
        assert f'hx-delete="{mail}"' in (await client.put(mail, headers=HX)).text
        assert crm.feed.rows[0].muted
        assert f'hx-put="{mail}"' in (await client.delete(mail, headers=HX)).text


async def test_it_is_there_in_japanese(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = crm.sign_ins.who.model_copy(update={"locale": "ja", "time_zone": "Asia/Tokyo"})
    async with browser() as client:
        page = (await client.get(PAGE)).text
    assert "通知しない時間帯" in page
    assert "月曜日" in page
    assert "Asia/Tokyo" in page
