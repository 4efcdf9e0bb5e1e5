"""What a mail and a server may bring: it is sent in any case, tracked where it can be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Worker, expect

from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.garbage import ANSWERS, DRIPS, answering
from tests.e2e.rep import Desk, new_compose
from tests.e2e.test_compose import new_contact

SUBJECT = "‏שלום עולם‏ — مرحبا \u202eabc\u202c 👩‍👩‍👧‍👦🇯🇵 <b>&amp;"


@pytest.mark.requirement("T1", "E3")
async def test_two_hundred_recipients_and_a_subject_of_many_scripts(
    desk: Desk, stack: Stack, api: Rep
) -> None:
    addresses = [f"r{number}@many.example" for number in range(200)]
    compose = await new_compose(desk.page)
    await compose.write(", ".join(addresses), SUBJECT, "<p>Hello all</p>")
    await compose.send()
    mail = await desk.gmail.sent(1)
    assert mail.to == tuple(addresses)
    assert mail.subject == SUBJECT
    assert mail.html.count(f"{stack.addresses['tracking_url']}/o/") == 1

    async def in_the_feed() -> Json | None:
        rows = (await api.get("/v1/feed"))["items"]
        return next((row for row in rows if len(row["recipients"]) == 200), None)

    row = await until(in_the_feed, "the mail in the feed", 15.0)
    assert row["subject"] == SUBJECT
    assert [one["address"] for one in row["recipients"]] == addresses


_UPLOADED = """async () => {
    const { fetch } = self;
    self.uploaded = [];
    self.fetch = async (url, asked) => {
        const answer = await fetch(url, asked);
        const size = () => new TextEncoder().encode(asked.body).length;
        if (String(url).endsWith("/body")) self.uploaded.push([answer.status, size()]);
        return answer;
    };
}"""


@pytest.mark.requirement("T2", "L1", "E3")
async def test_a_body_of_five_megabytes(desk: Desk, stack: Stack, api: Rep) -> None:
    await new_contact(api, "large@recipient.example")
    worker = await worker_of(desk.browser)
    await worker.evaluate(_UPLOADED)
    row = '<tr><td>商品</td><td><a href="https://www.example.com/1">a &amp; b</a></td></tr>'
    text = "<p>" + "長い文章 " * 1000 + "</p>"
    html = f"<table><tbody>{row * 500}</tbody></table>{text * (5_000_000 // len(text.encode()))}"
    compose = await new_compose(desk.page)
    await compose.write("large@recipient.example", "Large", html)
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.send()
    mail = await desk.gmail.sent(1, within_s=30.0)
    tracking = stack.addresses["tracking_url"]
    assert mail.html.index(f"{tracking}/o/") < 90 * 1024
    assert mail.html.count(f"{tracking}/c/") == mail.html.count("<a ")

    async def uploaded() -> Json | None:
        found: Json = await worker.evaluate("self.uploaded")
        return found or None

    ((status, length),) = await until(uploaded, "the body at the server", 60.0)
    assert (status, length > 4_000_000) == (204, True)


@asynccontextmanager
async def another_api(worker: Worker, url: str) -> AsyncIterator[None]:
    """The signed-in server's API stands elsewhere while the block runs."""
    known = await worker.evaluate(_MOVE_API, url)
    try:
        yield
    finally:
        await worker.evaluate(_MOVE_API, known)


_MOVE_API = """async (url) => {
    const { signIns } = await chrome.storage.local.get("signIns");
    const [signIn] = Object.values(signIns);
    const known = signIn.server.kaifu_api_url;
    signIn.server.kaifu_api_url = url;
    await chrome.storage.local.set({ signIns });
    return known;
}"""


@pytest.mark.requirement("E3")
@pytest.mark.parametrize("kind", [*ANSWERS, DRIPS])
async def test_a_server_that_answers_garbage(kind: str, desk: Desk) -> None:
    html = '<p>Hello <a href="https://www.example.com/">you</a></p>'
    worker = await worker_of(desk.browser)
    async with answering(kind) as url, another_api(worker, url):
        compose = await new_compose(desk.page)
        await compose.write("ann@recipient.example", kind, html)
        await compose.log.uncheck()
        await expect(compose.track).to_be_checked()
        await compose.send()
        mail = await desk.gmail.sent(1)
        assert mail.html == html
        await expect(desk.page.locator(".kaifu-warning")).to_contain_text("Sent without tracking")
