"""From opening the popup to its first rows on screen, with ten thousand mails in the feed and with few."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from playwright.async_api import BrowserContext, expect
from pymongo import MongoClient
from pymongo.collection import Collection

from bench.results import Figure, figure
from deploy.local.database_user import DATABASE, USER
from deploy.local.environment import mongodb_url
from deploy.local.rep import Json, Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import EXTENSION_ORIGIN

ROWS = 10_000
ROUNDS = 7
_BATCH = 500
# The frame after the one in which the first row stands has been drawn.
_WATCH = """(() => {
    const look = () => {
        if (document.querySelector("article.mail"))
            requestAnimationFrame(() => setTimeout(() => { window.paintedAt = performance.now(); }));
        else requestAnimationFrame(look);
    };
    look();
})()"""


async def measure(browser: BrowserContext, stack: Stack, rep: Rep) -> Figure:
    """`extension_popup_ms`: rounds with few rows first, since rows are only added."""
    few = await _rounds(browser)
    await _add_rows(stack, rep)
    many = await _rounds(browser)
    note = f"{ROUNDS} rounds, {ROWS:,} rows in the feed; reference: the few that were there before"
    ratios = [bare / own for own, bare in zip(many, few, strict=True)]
    return figure("extension_popup_ms", "ms", many, few, ratios, "", note)


async def _rounds(browser: BrowserContext) -> list[float]:
    return [await _opened(browser) for _ in range(ROUNDS)]


async def _opened(browser: BrowserContext) -> float:
    popup = await browser.new_page()
    await popup.set_viewport_size({"width": 400, "height": 560})
    await popup.add_init_script(_WATCH)
    await popup.goto(f"{EXTENSION_ORIGIN}/popup.html")
    await expect(popup.locator("article.mail").first).to_be_visible(timeout=30_000)
    await popup.wait_for_function("window.paintedAt")
    painted: float = await popup.evaluate("window.paintedAt")
    await popup.close()
    return painted


async def _add_rows(stack: Stack, rep: Rep) -> None:
    """Copies of one mail that was really sent, each a second older than the one before."""
    prepared = await rep.prepare([{"address": "ann@recipient.example"}], [])
    await rep.confirm_sent(prepared)

    async def shown() -> Json | None:
        return await rep.feed_row(prepared["message_id"])

    await until(shown, "the mail in the feed")
    url = mongodb_url(stack.ports, USER, stack.home.database_password_file.read_text())
    with MongoClient[Json](url, uuidRepresentation="standard") as client:
        await asyncio.to_thread(_copy, client[DATABASE]["messages"], UUID(prepared["message_id"]))


def _copy(messages: Collection[Json], message_id: UUID) -> None:
    sent = messages.find_one({"_id": message_id})
    assert sent is not None
    for begin in range(0, ROWS, _BATCH):
        copies = (_older(sent, number) for number in range(begin, begin + _BATCH))
        messages.insert_many(list(copies))


def _older(sent: Json, seconds: int) -> Json:
    sent_at, other = sent["sent_at"] - timedelta(seconds=seconds + 1), uuid4()
    place = f"{int(sent_at.timestamp() * 1000):013d}{other.hex}"
    return {**sent, "_id": other, "sent_at": sent_at, "feed_place": place}
