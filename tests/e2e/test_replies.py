"""An answer that the rep sees in Gmail proves that the mail was open (B7)."""

import json

import pytest
from playwright.async_api import expect

from deploy.local.rep import Json, Rep, until
from tests.e2e.chromium import worker_of
from tests.e2e.rep import Desk, open_gmail, open_thread
from tests.e2e.standin.server import Mail
from tests.e2e.test_thread_view import row_of, send_tracked

pytestmark = pytest.mark.requirement("B7")
ANN = "ann@recipient.example"
_RECORD_REPLIES = """() => {
    self.replies = [];
    self.unrecorded = self.fetch;
    self.fetch = (url, options, ...more) => {
        if (String(url).endsWith("/v1/replies")) self.replies.push(options.body);
        return self.unrecorded(url, options, ...more);
    };
}"""
_RECORDED = "() => { self.fetch = self.unrecorded; return self.replies; }"


async def opened(api: Rep, message_id: str) -> Json:
    """The server's row once the mail counts as opened."""

    async def look() -> Json | None:
        row = await api.feed_row(message_id)
        return row if row is not None and row["state"] == "opened" else None

    return await until(look, "an opened row", 15.0)


def answer(desk: Desk, mail: Mail, sender: str, html: str) -> Mail:
    """An answer comes into the thread of a mail."""
    return desk.gmail.receive(sender, f"Re: {mail.subject}", html, thread_id=mail.thread_id)


async def test_an_answer_in_its_thread_opens_the_mail_and_is_told_once(desk: Desk, api: Rep) -> None:
    worker = await worker_of(desk.browser)
    sent = await send_tracked(desk, "Answered")
    message_id = (await row_of(api, "Answered"))["message_id"]
    came = answer(desk, sent, ANN, "<p>Tuesday is fine</p>")
    await worker.evaluate(_RECORD_REPLIES)
    await open_thread(desk.page, came)
    row = await opened(api, message_id)
    [engagement] = row["engagements"]
    assert (engagement["inferred"], engagement["candidates"]) == (True, [0])
    assert engagement["evidence"][0]["rule"] == "inferred.reply"

    own = desk.page.locator(f'[role=listitem]:has([data-legacy-message-id="{sent.hex_id}"])')
    await own.locator(".adf").click()
    await expect(own.locator(".kaifu-status")).to_contain_text("Opened")
    again = await open_gmail(desk.browser)
    await open_thread(again, came)
    await expect(again.locator(".kaifu-status")).to_have_count(0)
    # Told of after the first: the worker takes what it hears in turn.
    other = await send_tracked(desk, "Asked later")
    await open_thread(again, answer(desk, other, ANN, "<p>Yes</p>"))
    assert (await opened(api, (await row_of(api, "Asked later"))["message_id"]))["opens"] == 1
    told = [reply for body in await worker.evaluate(_RECORDED) for reply in json.loads(body)["replies"]]
    assert told[0]["reply_id"] == came.hex_id
    assert [one["slot"] for one in told] == [0, 0], "once each"
    assert ANN not in json.dumps(told)
    await again.close()


async def test_what_nobody_wrote_in_answer_is_told_nothing_of(desk: Desk, api: Rep) -> None:
    """A failure notice, automatic answers, the rep's own mail under two names, and a new thread."""
    worker = await worker_of(desk.browser)
    await worker.evaluate(_RECORD_REPLIES)
    sent = await send_tracked(desk, "Unanswered")
    message_id = (await row_of(api, "Unanswered"))["message_id"]
    received = [
        answer(desk, sent, "mailer-daemon@googlemail.com", "<p>Address not found</p>"),
        answer(desk, sent, ANN, "<p>I am out of the office until Monday.</p>"),
        answer(desk, sent, ANN, '<p>自動返信</p><blockquote class="gmail_quote">Hello</blockquote>'),
        answer(desk, sent, api.address, "<p>One more thing</p>"),
        answer(desk, sent, "rep@alias.example", "<p>And another</p>"),
        desk.gmail.receive(ANN, "Hello", "<p>A thread of its own</p>"),
    ]
    for mail in received:
        message = await open_thread(desk.page, mail)
        if await message.locator(".adf").is_visible():
            await message.locator(".adf").click()
        await expect(message.locator(".ii")).to_be_visible()
    last = await send_tracked(desk, "Answered last")
    quoted = '<p>Yes</p><blockquote class="gmail_quote">I am out of the office</blockquote>'
    await open_thread(desk.page, answer(desk, last, ANN, quoted))
    await opened(api, (await row_of(api, "Answered last"))["message_id"])
    assert len(await worker.evaluate(_RECORDED)) == 1
    row = await api.feed_row(message_id)
    assert row is not None
    assert (row["state"], row["engagements"]) == ("sent", [])
