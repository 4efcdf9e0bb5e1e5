"""The cases of the field's facts: who fetches a pixel or a link, and how that is read."""

import pytest

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
    ("not exact", GMAIL_PREFETCH + " x", GOOGLE_ADDRESS, None, "GET", "human", "default.open"),
    ("not an address", GMAIL_PREFETCH, "unknown", None, "GET", "human", "prefetch.gmail-elsewhere"),
    ("Yahoo", YAHOO_PROXY, OTHER_ADDRESS, None, "GET", "proxied_human", "proxies.yahoo"),
    # Apple's privacy proxy: unknown, neither open nor machine
    ("Apple", "Mozilla/5.0", OTHER_ADDRESS, None, "GET", "privacy_proxy", "privacy.apple-bare-agent"),
    # Microsoft's address is not evidence against a pixel
    ("Outlook", CHROME, "40.94.28.1", None, "GET", "human", "default.open"),
    ("browser", CHROME, OTHER_ADDRESS, None, "GET", "human", "default.open"),
    ("no agent", "", None, None, "GET", "human", "default.open"),
    ("HEAD alone", CHROME, OTHER_ADDRESS, None, "HEAD", "human", "default.head"),
    # links: an image proxy's name is no evidence there
    ("click", CHROME, OTHER_ADDRESS, 0, "GET", "human", "default.click"),
    ("click, proxy's name", GOOGLE_PROXY, GOOGLE_ADDRESS, 0, "GET", "human", "default.click"),
    ("click, bare agent", "Mozilla/5.0", OTHER_ADDRESS, 0, "GET", "human", "default.click"),
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
