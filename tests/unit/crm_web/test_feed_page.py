"""The feed as HTML: states, evidence, hostile texts, paging, toasts."""

from datetime import timedelta
from html import escape, unescape

import pytest

from services.crm.model.messages import FeedRow
from services.crm.model.origins import Device, Place, PlaceUnknown
from services.crm.web import words
from shared.events.engagements import EngagementKind, Evidence, Verdict
from tests.unit.crm_web.fakes import (
    NOW,
    Browser,
    FakeCrm,
    engagement,
    feed_row,
    link,
    recipient,
    sent_row,
    user,
)


async def shown(browser: Browser, path: str, status: int = 200) -> str:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


async def row_of(browser: Browser, crm: FakeCrm, row: FeedRow) -> str:
    crm.feed.rows = [row]
    return await shown(browser, f"/feed/rows/{row.message_id}")


@pytest.mark.requirement("T3")
async def test_an_opened_mail_shows_its_opens_with_the_clicks_beside_them(
    browser: Browser, crm: FakeCrm
) -> None:
    html = await row_of(browser, crm, feed_row(clicks=3))
    assert "<span>Opened</span>" in html
    for text in ("First open", "Last open", "2 opens", "3 clicks", "Your offer", "Aiko Tanaka"):
        assert text in html
    assert f'datetime="{(NOW - timedelta(hours=2)).isoformat()}"' in html


@pytest.mark.requirement("T3")
async def test_an_unopened_mail_is_sent_and_a_privacy_proxy_makes_it_a_possible_open(
    browser: Browser, crm: FakeCrm
) -> None:
    html = await row_of(browser, crm, sent_row())
    assert "<span>Sent</span>" in html
    assert "First open" not in html
    assert "possible open" not in html
    assert "possible open" in await row_of(browser, crm, sent_row(possible_open=True))


@pytest.mark.requirement("B1")
async def test_the_evidence_is_a_sentence_and_an_unknown_rule_shows_its_id(
    browser: Browser, crm: FakeCrm
) -> None:
    html = unescape(await row_of(browser, crm, feed_row()))
    assert "Gmail's image proxy fetched the picture as somebody viewed the mail" in html
    strange = Evidence(rule="newer.rule", values={"x": 1})
    assert "newer.rule" in await row_of(browser, crm, feed_row(last_evidence=(strange,)))
    incomplete = Evidence(rule="timing.after-send")
    assert "timing.after-send" in await row_of(browser, crm, feed_row(last_evidence=(incomplete,)))


@pytest.mark.requirement("B1", "B7", "T5")
async def test_the_detail_tells_each_hit_with_verdict_evidence_and_whether_it_counts(
    browser: Browser, crm: FakeCrm
) -> None:
    row = feed_row(links=(link(0, "https://x.test/?a=1&b=2", 2), link(1, "https://x.test/two")))
    crm.feed.rows = [row]
    crm.feed.engagements[row.message_id] = (
        engagement(row.message_id, kind=EngagementKind.CLICK, verdict=Verdict.HUMAN, link_index=0),
        engagement(row.message_id, inferred=True, evidence=(Evidence(rule="inferred.click"),)),
        engagement(row.message_id, verdict=Verdict.MACHINE, candidates=()),
        engagement(row.message_id, candidates=(0, 1)),
    )
    html = await shown(browser, f"/feed/rows/{row.message_id}/detail")
    for text in (
        "inferred",
        "not counted",
        "Machine",
        "one of 2 recipients",
        "someone",
        "42 s after the mail",
    ):
        assert text in html
    assert html.count("https://x.test/?a=1&amp;b=2") == 2
    assert "0 clicks" in html


@pytest.mark.requirement("B7", "B10")
@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("inferred from a click", "inferred from a reply", "the mail was answered, so it was read")),
        ("ja", ("クリックから推定", "返信から推定", "返信があったため、メールは読まれています")),
    ],
)
async def test_the_detail_tells_what_an_open_was_inferred_from(
    browser: Browser, crm: FakeCrm, language: str, texts: tuple[str, ...]
) -> None:
    crm.sign_ins.who = user(locale=language)
    row = feed_row()
    crm.feed.rows = [row]
    crm.feed.engagements[row.message_id] = tuple(
        engagement(row.message_id, inferred=True, evidence=(Evidence(rule=rule),))
        for rule in ("inferred.click", "inferred.reply", "inferred.newer")
    )
    html = unescape(await shown(browser, f"/feed/rows/{row.message_id}/detail"))
    for text in texts:
        assert text in html
    assert f">{'推定' if language == 'ja' else 'inferred'}<" in html


@pytest.mark.requirement("T5")
@pytest.mark.parametrize(
    ("language", "place", "device", "why"),
    [
        ("en", "<b>Minato, Tokyo, Japan<", "Chrome on Windows", "Place unknown: a mail provider's proxy"),
        ("ja", "日本、Tokyo、<b>Minato<", "Chrome（Windows）", "場所は不明です（受信者の端末ではなく"),
    ],
)
async def test_the_detail_tells_place_and_device_or_why_not(
    browser: Browser, crm: FakeCrm, language: str, place: str, device: str, why: str
) -> None:
    crm.sign_ins.who = user(locale=language)
    row = feed_row()
    crm.feed.rows = [row]
    crm.feed.engagements[row.message_id] = (
        engagement(row.message_id, place_unknown=PlaceUnknown.NOT_A_PERSON),
        engagement(row.message_id, place_unknown=PlaceUnknown.PROXY),
    )
    html = await shown(browser, f"/feed/rows/{row.message_id}/detail")
    assert html.count('class="origin"') == 1
    assert why in unescape(html)
    assert "db-ip.com" not in html
    crm.feed.engagements[row.message_id] = (
        engagement(
            row.message_id,
            place=Place(city="<b>Minato", region="Tokyo", country="JP"),
            device=Device(program="Chrome", system="Windows"),
        ),
    )
    html = await shown(browser, f"/feed/rows/{row.message_id}/detail")
    assert f">{escape(place[:-1])}<" in html
    assert device in html
    assert '<a href="https://db-ip.com"' in html


def test_every_reason_has_words_but_for_what_is_no_person_s() -> None:
    assert words.PLACES_UNKNOWN.keys() == set(PlaceUnknown) - {PlaceUnknown.NOT_A_PERSON}


@pytest.mark.parametrize(
    "subject",
    [
        "<script>alert(1)</script>",
        "\" onmouseover='x' &amp;",
        "مرحبا \u202e evil",
        "🎉🎉",
        "x" * 1000,
        "{{ 7*7 }} {% raw %}",
        "",
    ],
)
async def test_a_subject_is_text_whatever_it_says(browser: Browser, crm: FakeCrm, subject: str) -> None:
    row = feed_row(subject=subject, recipients=(recipient(name=subject),))
    html = await row_of(browser, crm, row)
    assert "<script>" not in html
    expected = escape(subject, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    assert f"<bdi>{expected or '(no subject)'}</bdi>" in html
    toast = await shown(browser, f"/feed/toast?kind=opened&message_id={row.message_id}&candidate=0")
    assert "<script>" not in toast
    assert f'data-body="{expected or "(no subject)"}"' in toast


@pytest.mark.requirement("B10")
async def test_a_japanese_rep_reads_the_labels_that_reps_know(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user(locale="ja", time_zone="Asia/Tokyo")
    crm.feed.rows = [feed_row(), sent_row()]
    html = await shown(browser, "/feed")
    for text in ('lang="ja"', "アクティビティーフィード", "送信済み", "開封", "日本時間", ">10:30<"):
        assert text in html
    assert "「トラック」" in await shown_empty(browser, crm)


async def shown_empty(browser: Browser, crm: FakeCrm) -> str:
    crm.feed.rows = []
    return await shown(browser, "/feed")


async def test_an_empty_feed_says_how_to_begin(browser: Browser, crm: FakeCrm) -> None:
    assert "No tracked mail yet" in await shown_empty(browser, crm)


async def test_scrolling_goes_on_where_the_page_ended(browser: Browser, crm: FakeCrm) -> None:
    crm.feed.rows = [feed_row() for _ in range(31)]
    html = await shown(browser, "/feed")
    assert html.count("<article") == 30
    assert 'hx-get="/feed/rows?after=30" hx-trigger="revealed"' in html
    rest = await shown(browser, "/feed/rows?after=30")
    assert rest.count("<article") == 1
    assert 'hx-trigger="revealed"' not in rest


@pytest.mark.requirement("B6", "P3", "T4")
@pytest.mark.parametrize(
    ("anonymous", "candidates", "who"),
    [
        (False, (1,), "Ben"),
        (False, (0, 1), "Someone"),
        (False, (), "Someone"),
        (True, (1,), "Someone"),
        (False, (9,), "Someone"),
    ],
)
async def test_a_toast_names_a_person_only_if_it_is_certain(
    browser: Browser, crm: FakeCrm, anonymous: bool, candidates: tuple[int, ...], who: str
) -> None:
    row = feed_row(recipients=(recipient(0), recipient(1, "Ben")), anonymous=anonymous)
    crm.feed.rows = [row]
    query = "".join(f"&candidate={slot}" for slot in candidates)
    html = await shown(browser, f"/feed/toast?kind=opened&message_id={row.message_id}{query}")
    assert f'data-title="{who} opened your mail"' in html
    assert f'href="#row-{row.message_id}"' in html


async def test_a_refused_log_is_told_with_its_reason(browser: Browser) -> None:
    html = await shown(browser, "/feed/toast?kind=log_refused&reason=log-not-asked")
    assert "Log was not ticked when the mail was sent." in html


async def test_another_reps_mail_is_not_there(browser: Browser) -> None:
    other = "018f0000-0000-7000-8000-000000000000"
    for path in (
        f"/feed/rows/{other}",
        f"/feed/rows/{other}/detail",
        f"/feed/toast?kind=opened&message_id={other}",
    ):
        assert "There is nothing here" in await shown(browser, path, 404)


@pytest.mark.requirement("B1", "B3")
async def test_a_hit_says_how_sure_by_which_rules_and_what_it_was_taken_for_before(
    browser: Browser, crm: FakeCrm
) -> None:
    """One that is as it was first told says nothing of a correction."""
    row = feed_row()
    corrected = engagement(
        row.message_id,
        verdict=Verdict.MACHINE,
        confidence=0.76,
        ruleset_version="2026.11.2",
        evidence=(Evidence(rule="bursts.picture-and-link"),),
        revision=1,
        first_revision=0,
        first_verdict=Verdict.HUMAN,
    )
    same = engagement(row.message_id, revision=1, first_revision=0, first_verdict=Verdict.PROXIED_HUMAN)
    crm.feed.rows = [row]
    for engagements, told in (((corrected,), 1), ((same,), 0), ((engagement(row.message_id),), 0)):
        crm.feed.engagements = {row.message_id: engagements}
        html = await shown(browser, f"/feed/rows/{row.message_id}/detail")
        assert html.count("was: Human, now: Machine") == html.count("corrected</span>") == told
        if told:
            assert "Confidence: sure (76%)" in html
            assert "rules 2026.11.2" in html
            assert "Picture and link were fetched within the same second." in html
