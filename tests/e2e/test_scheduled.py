"""Mail that Gmail sends later: changed when it is scheduled, reported as sent when its time has come."""

import os
import signal
from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.records import new_contact
from tests.e2e.rep import ComposeWindow, Desk, new_compose
from tests.e2e.standin.mailbox import Scheduled

LINK = "https://www.example.com/offer?a=1&b=2"
HTML = '<p>Hello <a href="https://www.example.com/offer?a=1&amp;b=2">offer</a></p>'


async def schedule(compose: ComposeWindow, at: datetime) -> None:
    """Choose a time in Gmail's dialog."""
    await compose.window.locator(".hG").click()
    await compose.window.locator("[selector=scheduledSend]").click()
    dialog = compose.page.locator(".schedule")
    await dialog.locator("input").fill(at.strftime("%Y-%m-%dT%H:%M:%S"))
    await dialog.locator(".J-at1-auR").click()


async def scheduled(desk: Desk) -> Scheduled:
    """What Gmail's server has got."""
    await desk.gmail.until(lambda: len(desk.gmail.scheduled) > 0, "nothing was scheduled")
    return desk.gmail.scheduled[-1]


async def rows(api: Rep, subject: str) -> list[Json]:
    """The feed's rows with this subject."""
    return [row for row in (await api.get("/v1/feed"))["items"] if row["subject"] == subject]


async def the_row(api: Rep, subject: str) -> Json:
    """The feed's only row with this subject, once it is there."""

    async def look() -> Json | None:
        found = await rows(api, subject)
        return found[0] if len(found) == 1 else None

    return await until(look, "the mail in the feed", 20.0)


async def posts(desk: Desk, path: str) -> list[str]:
    """Which of the worker's requests since `record` ended so."""
    worker = await worker_of(desk.browser)
    asked: list[str] = await worker.evaluate("self.asked")
    return [url for url in asked if url.endswith(path)]


async def record(desk: Desk) -> None:
    """Keep the addresses that the worker asks from now on."""
    worker = await worker_of(desk.browser)
    await worker.evaluate("""() => {
        self.asked = [];
        self.plainFetch ??= self.fetch;
        self.fetch = (url, ...more) => {
            self.asked.push(String(url));
            return self.plainFetch(url, ...more);
        };
    }""")


@pytest.mark.requirement("T1", "T2", "L1")
async def test_a_scheduled_mail_is_tracked_and_stands_in_the_feed_from_its_time_on(
    desk: Desk, api: Rep, stack: Stack
) -> None:
    tracking = stack.addresses["tracking_url"]
    compose = await new_compose(desk.page)
    await compose.write("later@recipient.example", "Scheduled", HTML)
    at = (datetime.now() + timedelta(seconds=8)).replace(microsecond=0)
    await schedule(compose, at)
    mail = (await scheduled(desk)).mail
    assert mail.html.count(f"{tracking}/o/") == 1
    assert mail.html.count(f"{tracking}/c/") == 1
    assert LINK not in mail.html
    if datetime.now() < at:
        assert await rows(api, "Scheduled") == []
    row = await the_row(api, "Scheduled")
    assert datetime.now() >= at
    assert datetime.fromisoformat(row["sent_at"]).timestamp() == at.timestamp()
    assert [one["address"] for one in row["recipients"]] == ["later@recipient.example"]


@pytest.mark.requirement("T1", "B5")
async def test_a_scheduled_mail_that_is_taken_back_is_called_off_and_stands_as_it_was_written(
    desk: Desk, api: Rep, stack: Stack
) -> None:
    await record(desk)
    compose = await new_compose(desk.page)
    await compose.write("later@recipient.example", "Taken back", HTML)
    await schedule(compose, datetime.now() + timedelta(days=1))
    first = (await scheduled(desk)).mail
    await desk.page.get_by_text("Undo", exact=True).click()
    again = ComposeWindow(desk.page)
    await expect(again.track).to_be_checked()
    body = again.window.locator("[g_editable]")
    await expect(body.locator("a")).to_have_attribute("href", LINK)
    await expect(body.locator("img")).to_have_count(0)

    async def called_off() -> bool | None:
        return len(await posts(desk, "/cancelled")) == 1 or None

    await until(called_off, "the report that it is called off", 10.0)
    await again.send()
    mail = await desk.gmail.sent(1)
    tracking = stack.addresses["tracking_url"]
    assert mail.html.count(f"{tracking}/o/") == mail.html.count(f"{tracking}/c/") == 1
    assert mail.html != first.html
    await the_row(api, "Taken back")


@pytest.mark.requirement("E3")
async def test_a_mail_scheduled_while_the_server_is_silent_is_logged_at_its_time(
    desk: Desk, api: Rep, stack: Stack
) -> None:
    contact = await new_contact(api, "silent@recipient.example")
    compose = await new_compose(desk.page)
    await compose.write("silent@recipient.example", "In silence", HTML)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    os.kill(stack.pids["ingest"], signal.SIGSTOP)
    at = (datetime.now() + timedelta(seconds=5)).replace(microsecond=0)
    try:
        await schedule(compose, at)
        assert (await scheduled(desk)).mail.html == HTML
        await expect(desk.page.locator(".kaifu-warning")).to_contain_text("logged as soon as")
    finally:
        os.kill(stack.pids["ingest"], signal.SIGCONT)

    async def logged() -> list[Json] | None:
        timeline = (await api.get(f"/v1/contacts/{contact['id']}/timeline"))["items"]
        return [row for row in timeline if "In silence" in str(row)] or None

    (row,) = await until(logged, "the mail on the timeline", 40.0)
    assert datetime.fromisoformat(row["occurred_at"]).timestamp() == at.timestamp()


@pytest.mark.requirement("T8")
async def test_a_time_that_is_not_understood_is_said_and_nothing_is_put_in(desk: Desk) -> None:
    await record(desk)
    compose = await new_compose(desk.page)
    await compose.write("later@recipient.example", "When?", HTML)
    await schedule(compose, datetime.now() - timedelta(days=1))
    assert (await scheduled(desk)).mail.html == HTML
    await expect(desk.page.locator(".kaifu-warning")).to_contain_text("was not understood")
    assert await posts(desk, "/v1/messages") == []
