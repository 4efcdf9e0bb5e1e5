"""The cases of the field's facts: who fetches a pixel or a link, and how that is read."""

import pytest

from shared.events.engagements import EngagementJudged
from shared.events.hits import HitRecorded
from tests.unit.tracker.made import (
    CHROME,
    GMAIL_PREFETCH,
    GOOGLE_ADDRESS,
    GOOGLE_PROXY,
    OTHER_ADDRESS,
    YAHOO_PROXY,
    Tracked,
    hit,
    message,
)

APPLE_MAIL = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CUBOT = (
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/87.0.4280.101 Mobile Safari/537.36"
)

CASES = [
    # Gmail's image proxy, on view: a real view, no place
    ("Gmail proxy", GOOGLE_PROXY, GOOGLE_ADDRESS, None, "GET", "proxied_human", "proxies.google"),
    ("Gmail proxy IPv6", GOOGLE_PROXY, "2607:f8b0:4864::1", None, "GET", "proxied_human", "proxies.google"),
    (
        "Gmail proxy, mapped",
        GOOGLE_PROXY,
        "::ffff:66.249.84.1",
        None,
        "GET",
        "proxied_human",
        "proxies.google",
    ),
    ("no address", GOOGLE_PROXY, None, None, "GET", "proxied_human", "proxies.google-address-unknown"),
    ("elsewhere", GOOGLE_PROXY, OTHER_ADDRESS, None, "GET", "proxied_human", "proxies.google-elsewhere"),
    # Gmail's prefetch: machine only when agent and address agree
    ("prefetch", GMAIL_PREFETCH, GOOGLE_ADDRESS, None, "GET", "machine", "prefetch.gmail"),
    ("no address", GMAIL_PREFETCH, None, None, "GET", "human", "prefetch.gmail-address-unknown"),
    ("elsewhere", GMAIL_PREFETCH, OTHER_ADDRESS, None, "GET", "human", "prefetch.gmail-elsewhere"),
    (
        "prefetch, a later form",
        GMAIL_PREFETCH + " x",
        GOOGLE_ADDRESS,
        None,
        "GET",
        "machine",
        "prefetch.gmail",
    ),
    ("not an address", GMAIL_PREFETCH, "unknown", None, "GET", "human", "prefetch.gmail-elsewhere"),
    ("Yahoo", YAHOO_PROXY, OTHER_ADDRESS, None, "GET", "proxied_human", "proxies.yahoo"),
    # Apple's privacy proxy: unknown, neither open nor machine
    ("Apple", "Mozilla/5.0", OTHER_ADDRESS, None, "GET", "privacy_proxy", "privacy.apple-bare-agent"),
    # Microsoft's address is not evidence against a pixel
    ("Outlook", CHROME, "40.94.28.1", None, "GET", "proxied_human", "senders.microsoft-picture"),
    ("browser", CHROME, OTHER_ADDRESS, None, "GET", "human", "default.open"),
    ("no agent", "", None, None, "GET", "machine", "agents.none"),
    ("HEAD alone", CHROME, OTHER_ADDRESS, None, "HEAD", "machine", "default.head-alone"),
    # links: an image proxy's name is no evidence there
    ("click", CHROME, OTHER_ADDRESS, 0, "GET", "human", "default.click"),
    ("click, proxy's name", GOOGLE_PROXY, GOOGLE_ADDRESS, 0, "GET", "machine", "senders.image-proxy-link"),
    ("click, bare agent", "Mozilla/5.0", OTHER_ADDRESS, 0, "GET", "machine", "agents.not-a-browser"),
    # Safe Links checks from Microsoft's network, before the browser goes there
    ("Safe Links", CHROME, "40.94.28.1", 0, "GET", "machine", "senders.microsoft-link"),
    ("a program", "python-requests/2.32.0", OTHER_ADDRESS, 0, "GET", "machine", "agents.declared"),
    ("a previewer", "Slackbot-LinkExpanding 1.0", OTHER_ADDRESS, 0, "GET", "machine", "agents.declared"),
    ("a phone named like a robot", CUBOT, OTHER_ADDRESS, None, "GET", "human", "default.open"),
    # Apple's privacy: agent and network agree; elsewhere WebKit without a browser's name is a reader's Mail
    ("Apple relay", APPLE_MAIL, "172.224.226.1", None, "GET", "privacy_proxy", "privacy.apple"),
    ("Apple Mail", APPLE_MAIL, OTHER_ADDRESS, None, "GET", "human", "default.open"),
    (
        "Apple Mail, no address",
        APPLE_MAIL,
        None,
        None,
        "GET",
        "privacy_proxy",
        "privacy.apple-address-unknown",
    ),
]


@pytest.mark.requirement("B1", "T3")
@pytest.mark.parametrize(("case", "agent", "address", "link", "method", "verdict", "rule"), CASES)
def test_facts(
    case: str, agent: str, address: str | None, link: int | None, method: str, verdict: str, rule: str
) -> None:
    fetched = hit(100, agent=agent, address=address, link=link, method=method)
    judged = Tracked(message(), fetched).judged(fetched)
    assert (judged.verdict, judged.evidence[0].rule) == (verdict, rule), case


@pytest.mark.requirement("B1")
def test_agreement_of_agent_and_address_raises_confidence() -> None:
    by_address = {}
    for address in (GOOGLE_ADDRESS, None, OTHER_ADDRESS):
        fetched = hit(5, agent=GOOGLE_PROXY, address=address)
        by_address[address] = Tracked(message(), fetched).judged(fetched).confidence
    assert by_address[GOOGLE_ADDRESS] > by_address[None] > by_address[OTHER_ADDRESS]


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(("when", "seconds"), [(43, 43), (-5, 0)])
def test_evidence_says_how_long_after_the_send(when: float, seconds: int) -> None:
    fetched = hit(when)
    evidence = Tracked(message(), fetched).judged(fetched).evidence
    assert {e.rule: e.values for e in evidence}["timing.after-send"] == {"seconds": seconds}


@pytest.mark.requirement("B1", "P3")
def test_no_address_and_no_agent_in_what_is_told() -> None:
    tracked = Tracked(message(), hit(100), hit(101), hit(200, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS))
    text = "".join(event.model_dump_json() for event in tracked.told)
    assert len(tracked.told) == 4
    for private in (CHROME, GOOGLE_PROXY, OTHER_ADDRESS, GOOGLE_ADDRESS):
        assert private not in text


@pytest.mark.requirement("T3")
@pytest.mark.parametrize(
    ("agent", "address", "told"),
    [
        (CHROME, None, 1),
        (GOOGLE_PROXY, None, 1),
        (GMAIL_PREFETCH, GOOGLE_ADDRESS, 0),
        ("Mozilla/5.0", None, 0),
    ],
)
def test_only_what_counts_raises_a_notification(agent: str, address: str | None, told: int) -> None:
    tracked = Tracked(message(), hit(100, agent=agent, address=address))
    assert len(tracked.standing()) == told
    assert [judged.first for judged in tracked.final().values()] == [bool(told)]


@pytest.mark.requirement("T9", "B1", "B4")
@pytest.mark.parametrize(
    ("when", "verdict"),
    [(-90, "self"), (-59, "human"), (-0.1, "human"), (0, "machine"), (1.9, "machine"), (2, "human")],
)
def test_before_the_send_only_the_rep_has_it_and_within_two_seconds_nobody_reads(
    when: float, verdict: str
) -> None:
    fetched = hit(when)
    assert Tracked(message(), fetched).judged(fetched).verdict == verdict


@pytest.mark.requirement("B4", "B1")
def test_a_view_through_googles_proxy_says_that_the_rep_s_phone_would_look_the_same() -> None:
    proxied, direct = hit(100, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS), hit(200)
    tracked = Tracked(message(), proxied, direct)
    said = [{spoke.rule for spoke in tracked.judged(one).evidence} for one in (proxied, direct)]
    assert ["own-views.same-proxy" in rules for rules in said] == [True, False]


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({}, "human"),
        ({"accept": "text/html", "accept-language": "en", "sec-fetch-mode": "navigate"}, "human"),
        ({"accept": "text/html", "sec-fetch-mode": "navigate"}, "human"),  # one sign decides nothing
        ({"accept": "*/*"}, "machine"),
        ({"accept": "text/html", "accept-language": "en", "sec-fetch-mode": "cors"}, "machine"),
        ({"accept": "text/html", "accept-language": "en", "sec-purpose": "prefetch"}, "machine"),
    ],
)
def test_headers_of_a_click(headers: dict[str, str], verdict: str) -> None:
    clicked = hit(100, link=0).model_copy(update={"headers": headers})
    assert Tracked(message(), clicked).judged(clicked).verdict == verdict


@pytest.mark.requirement("B1", "B3")
def test_a_click_from_a_data_centre_is_a_scanner_s_while_nobody_has_read_the_mail() -> None:
    clicked = hit(100, link=0, address="52.34.110.7")
    assert Tracked(message(), clicked).judged(clicked).verdict == "machine"
    read = hit(60, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS)
    assert Tracked(message(), read, clicked).judged(clicked).verdict == "human"


def _links(*times: float, **more: str) -> list[HitRecorded]:
    return [hit(when, link=number, **more) for number, when in enumerate(times)]  # type: ignore[arg-type]


@pytest.mark.requirement("B1", "B3")
@pytest.mark.parametrize(
    ("hits", "verdicts"),
    [
        (_links(100, 100.5), {"machine"}),
        (_links(100, 101.5), {"human"}),
        (_links(100, 110, 120), {"machine"}),
        (_links(100, 110), {"human"}),
        (
            [hit(60, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS), *_links(100, 110, 120)],
            {"human", "proxied_human"},
        ),
        ([hit(60), *_links(100, 100.2, 100.4)], {"human", "machine"}),
        ([hit(100), hit(100.3, link=0)], {"machine"}),
        ([hit(100), hit(103, link=0)], {"human"}),
        ([hit(90), *_links(100, 100.1)], {"machine"}),
        (
            [hit(90, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS), *_links(100, 100.1)],
            {"proxied_human", "machine"},
        ),
        ([hit(100, slot=0, link=0), hit(100.2, slot=1, link=1)], {"human"}),
        # a double click is one, and what is apart is no burst
        (
            [
                hit(60, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS),
                *_links(100, 105, 112),
                hit(100.4, link=0),
            ],
            {"human", "proxied_human"},
        ),
        (_links(100, 129, 158), {"human"}),
    ],
)
def test_bursts(hits: list[HitRecorded], verdicts: set[str]) -> None:
    tracked = Tracked(message(recipients=2), *hits)
    assert {tracked.judged(one).verdict for one in hits} == verdicts


_WHOLE = {"accept": "text/html", "accept-language": "en", "sec-fetch-mode": "navigate"}


@pytest.mark.requirement("B1")
@pytest.mark.parametrize("address", ["85.115.52.200", "20.10.1.1"])
def test_people_work_through_the_networks_of_vendors_and_clouds(address: str) -> None:
    clicked = hit(86_400, link=0, address=address)
    whole = clicked.model_copy(update={"headers": _WHOLE})
    assert Tracked(message(), whole).judged(whole).verdict == "human"
    assert Tracked(message(), clicked).judged(clicked).verdict == "machine"


@pytest.mark.requirement("B1")
def test_over_plain_http_a_browser_lacks_no_header() -> None:
    """Sec-Fetch headers go to secure addresses alone."""
    plain = {"accept": "text/html", "accept-language": "en"}
    hits = [hit(7200), *(one.model_copy(update={"headers": plain}) for one in _links(7203, 7210, 7220))]
    tracked = Tracked(message(), *hits)
    assert {tracked.judged(one).verdict for one in hits} == {"human"}


@pytest.mark.requirement("B1", "B3")
def test_a_scan_of_many_links_is_told_few_times_a_link() -> None:
    tracked = Tracked(message(), *_links(*(100 + 0.05 * number for number in range(40))))
    engagements = [event for event in tracked.told if isinstance(event, EngagementJudged)]
    assert len(engagements) <= 4 * 40
