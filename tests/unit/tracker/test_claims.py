"""What an agent claims to be, held against where it comes from (B1)."""

import pytest

from services.tracker.rules.rulesets import SECOND
from services.tracker.verdict import alone
from shared.events.engagements import Verdict
from tests.unit.tracker.made import GOOGLE_ADDRESS, GOOGLE_PROXY, OTHER_ADDRESS, Tracked, hit, message

EARLY_GOOGLE = (
    "Mozilla/5.0 (Windows; U; Windows NT 5.1; de; rv:1.9.0.7) Gecko/2009021910 Firefox/3.0.7 (via ggpht.com)"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.17928; MSOffice 16)"
SCANNER = "Microsoft Office Outlook Safe Links Scanner"
MAIL_RU = "Mozilla/5.0 (compatible; Mail.RU_Bot/Img/2.0; +http://go.mail.ru/help/robots)"
A_CLOUD, APPLES_RELAY = "51.68.44.119", "172.225.136.85"

CASES = [
    ("an early form of Gmail's", EARLY_GOOGLE, GOOGLE_ADDRESS, None, Verdict.PROXIED_HUMAN, "proxies.google"),
    ("address unknown", EARLY_GOOGLE, None, None, Verdict.PROXIED_HUMAN, "proxies.google-address-unknown"),
    ("out of a data centre", GOOGLE_PROXY, A_CLOUD, None, Verdict.MACHINE, "claims.forged-proxy"),
    (
        "of no known network",
        GOOGLE_PROXY,
        OTHER_ADDRESS,
        None,
        Verdict.PROXIED_HUMAN,
        "proxies.google-elsewhere",
    ),
    ("a scanner in a mail program's name", SCANNER, OTHER_ADDRESS, None, Verdict.MACHINE, "agents.declared"),
    ("the same on a link", SCANNER, OTHER_ADDRESS, 0, Verdict.MACHINE, "agents.declared"),
    ("the mail program itself", OUTLOOK, OTHER_ADDRESS, None, Verdict.HUMAN, "default.open"),
    ("nameless by Apple's relays", "", APPLES_RELAY, None, Verdict.PRIVACY_PROXY, "privacy.apple"),
    ("nameless by no known network", "", OTHER_ADDRESS, None, Verdict.MACHINE, "agents.none"),
    ("Mail.ru's pictures", MAIL_RU, OTHER_ADDRESS, None, Verdict.PROXIED_HUMAN, "proxies.other"),
    ("Mail.ru's name on a link", MAIL_RU, OTHER_ADDRESS, 0, Verdict.MACHINE, "agents.declared"),
]


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(("agent", "address", "link", "verdict", "rule"), [case[1:] for case in CASES])
def test_a_claim_is_held_against_its_network(
    agent: str, address: str | None, link: int | None, verdict: Verdict, rule: str
) -> None:
    fetched = hit(3600, agent=agent, address=address, link=link)
    judged = Tracked(message(), fetched).judged(fetched)
    assert (judged.verdict, judged.evidence[0].rule) == (verdict, rule)


@pytest.mark.requirement("B2")
def test_the_rule_set_before_takes_the_claim_as_said() -> None:
    """So a replay by it gives what it gave."""
    assert alone(hit(3600, agent=GOOGLE_PROXY, address=A_CLOUD), SECOND).evidence[0].rule == (
        "proxies.google-elsewhere"
    )
