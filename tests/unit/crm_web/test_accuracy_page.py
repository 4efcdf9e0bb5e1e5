"""The Accuracy page on fakes: numbers, spans, words, and nothing where there is nothing."""

import re
from html import unescape

import pytest

from services.crm.model.accuracy import Provider
from services.crm.rules.accuracy import Cell, named
from services.crm.web.words import percent, rule_sentence, sureness
from shared.auth.tokens import Role
from shared.events.engagements import Verdict
from tests.unit.crm_web.fakes import Browser, FakeCrm, user

pytestmark = pytest.mark.requirement("B1")
SCRIPTED = {"HX-Request": "true"}
CELLS = {
    named(Cell("hit", Verdict.PROXIED_HUMAN, None, Provider.GMAIL, "proxies.google", 90, "2026.11.2")): 1203,
    named(Cell("repeat", Verdict.PROXIED_HUMAN, None, Provider.GMAIL, "proxies.google", 90, "2026.11.2")): 1,
    named(
        Cell(
            "hit+", Verdict.MACHINE, Verdict.HUMAN, Provider.SCANNER, "bursts.links-at-once", 95, "2026.11.2"
        )
    ): 3,
    named(Cell("hit", Verdict.HUMAN, None, Provider.DIRECT, "<b>new", 40, "2026.11.1")): 2,
    named(Cell("inferred", Verdict.HUMAN, None, Provider.OTHER, "inferred.click", 80, "2026.11.2")): 4,
}


def text(html: str) -> str:
    """What stands there, without tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


async def test_the_numbers_are_there(browser: Browser, crm: FakeCrm) -> None:
    crm.accuracy.cells = CELLS
    async with browser() as client:
        html = (await client.get("/accuracy")).text
    said = text(html)
    for words in (
        "Hits 1,209",
        "on your mail",
        "1 of the hits repeats another",
        "4 opens were inferred from clicks and replies",
        "3 hits were judged again",
        "3 have another verdict now: <1% of all hits.",
        "3 were taken back",
        "Human → Machine 3",
        "2026.11.1 2 <1%",
        "Gmail and Google",
        "very sure (95%)",
        "not sure (40%)",
        "… different links within a second",
    ):
        assert words in said, words
    assert 'data-provider="gmail"' in html
    assert "<b>new" not in html
    assert "Days are UTC days." in said
    assert "They begin at" not in said
    assert html.count('<svg class="chart') == 2
    assert 'aria-current="page">Accuracy' in html
    assert '"span-30" href="/accuracy?days=30" aria-current="true"' in html


@pytest.mark.parametrize(("days", "bars"), [(7, 7), (30, 30), (90, 13)])
async def test_each_span_has_its_bars_and_the_same_rows(
    browser: Browser, crm: FakeCrm, days: int, bars: int
) -> None:
    """The bars of both charts and the rows of the table are the same."""
    crm.accuracy.cells = CELLS
    async with browser() as client:
        part = (await client.get(f"/accuracy?days={days}", headers=SCRIPTED)).text
    assert "<html" not in part
    assert part.count("<g><title>") == 2 * bars
    table = part.split("figures-table")[1].split("</table>")[0]
    assert table.count('<th scope="row">') == bars
    assert f'id="span-{days}" href="/accuracy?days={days}" aria-current="true"' in part
    assert ("Verdicts by week" in part) == (days == 90)


async def test_without_hits_it_says_what_will_be_there(browser: Browser) -> None:
    async with browser() as client:
        html = (await client.get("/accuracy?days=7")).text
    assert "No hits in these days" in html
    assert '<svg class="chart' not in html


async def test_a_span_that_is_not_offered_is_not_there(browser: Browser) -> None:
    async with browser() as client:
        for query in ("8", "0", "-1", "many"):
            assert (await client.get(f"/accuracy?days={query}")).status_code == 404, query


async def test_it_says_when_the_database_is_away(browser: Browser, crm: FakeCrm) -> None:
    """On the page as on every page; beside the numbers, which stay, for a script."""
    crm.accuracy.away = True
    async with browser() as client:
        assert (await client.get("/accuracy")).status_code == 503
        part = await client.get("/accuracy?days=7", headers=SCRIPTED)
    assert part.status_code == 503
    assert part.headers["HX-Retarget"] == "#trouble"


async def test_a_super_admin_sees_whose_numbers_they_are(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user(role=Role.SUPER_ADMIN)
    own = Cell("hit", Verdict.SELF, None, Provider.OWN_VIEW, "own-views.same-browser", 95, "1")
    crm.accuracy.cells = {named(own): 1}
    async with browser() as client:
        html = (await client.get("/accuracy")).text
    assert "on all mail of this account" in html
    assert "The sender 1" in text(html)
    assert "Yourself" not in html


async def test_who_is_not_signed_in_signs_in_first(browser: Browser) -> None:
    async with browser(signed_in=False) as client:
        answer = await client.get("/accuracy?days=7")
    assert answer.headers["location"] == "/sign-in?next=%2Faccuracy%3Fdays%3D7"


@pytest.mark.requirement("B10")
async def test_in_japanese_with_the_time_at_which_days_begin(browser: Browser, crm: FakeCrm) -> None:
    crm.accuracy.cells = CELLS
    crm.sign_ins.who = user(locale="ja", time_zone="Asia/Tokyo")
    async with browser() as client:
        said = text((await client.get("/accuracy")).text)
    for words in ("判定の精度", "9:00 に始まります", "11/24", "1,209"):
        assert words in said, words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 0, "0%"), (1, 1000, "<1%"), (999, 1000, "99%"), (5, 5, "100%"), (0, 9, "0%")],
)
def test_shares_are_not_rounded_to_nothing_or_all(part: int, whole: int, words: str) -> None:
    assert percent(part, whole, "en") == words


def test_a_rule_s_sentence_stands_without_values() -> None:
    assert rule_sentence("timing.after-send", "en") == "… s after the mail was sent."
    assert rule_sentence("nobody-knows", "ja") == ""
    assert [sureness(one) for one in (1.0, 0.9, 0.75, 0.6, 0.0)] == [
        "very sure",
        "very sure",
        "sure",
        "fairly sure",
        "not sure",
    ]
