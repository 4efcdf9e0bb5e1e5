"""The rep's own views: only the browser that carries the extension can prove one (B4).

It reports "I am viewing this"; the hit may come before or after the report.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.tracker.model import Beacon, Finding, Hit, Sent
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Evidence, Verdict

OPEN_WINDOW = timedelta(seconds=10)  # a page loads its pictures within seconds of being shown
CLICK_AFTER = timedelta(minutes=10)  # reading the own mail, then trying a link in it

_SOURCE = "The report of the rep's own browser, signed in, for this message"

SAME_BROWSER = Rule(
    "own-views.same-browser",
    Verdict.SELF,
    0.95,
    _SOURCE,
    "A recipient behind the same office address with the same browser version looks the same.",
)
SAME_AGENT = Rule(
    "own-views.same-agent",
    Verdict.SELF,
    0.75,
    _SOURCE,
    "The address is unknown on one side, or IPv4 here and IPv6 there; many use the same browser version.",
)
THROUGH_PROXY = Rule(
    "own-views.through-proxy",
    Verdict.SELF,
    0.7,
    _SOURCE,
    "Gmail's proxy hides who looks: a recipient who opens within the same seconds is taken for the rep.",
)
SAME_PROXY = Rule(
    "own-views.same-proxy",
    None,
    0.0,
    "The most repeated complaint about every tracker: the sender's own phone counts",
    "Said of every open through the proxy of a mail from Gmail; most of them are the recipient's.",
)
RULES = (SAME_BROWSER, SAME_AGENT, THROUGH_PROXY, SAME_PROXY)


def find(hit: Hit, sent: Sent, beacons: Sequence[Beacon], *, any_proxy: bool = False) -> Finding | None:
    """A finding when the nearest fitting report of the message's own user explains the hit, else None.

    `any_proxy`: a view through any mail service's proxy may be the rep's; else Google's alone, whose mail
    the rep reads.
    """
    best: tuple[float, Rule] | None = None
    for beacon in beacons:
        rule = _rule(hit, sent, beacon, any_proxy)
        if rule is not None:
            seconds = abs((hit.at - beacon.at).total_seconds())
            best = min(best or (seconds, rule), (seconds, rule), key=_preference)
    return None if best is None else best[1].finding(seconds=round(best[0]))


def residual(hit: Hit, finding: Finding) -> tuple[Evidence, ...]:
    """What no report can rule out: the sender's phone behind the same proxy of Google's."""
    return (SAME_PROXY.evidence(),) if _is_googles(finding) and hit.kind is EngagementKind.OPEN else ()


def _is_googles(finding: Finding) -> bool:
    return finding.verdict is Verdict.PROXIED_HUMAN and finding.evidence[0].rule.startswith("proxies.google")


def affected(beacon: Beacon, hits: Iterable[Hit]) -> range:
    """Positions from the first to the last hit that this report may explain."""
    near = [index for index, hit in enumerate(hits) if _near(hit.kind, hit.at, beacon.at)]
    return range(near[0], near[-1] + 1) if near else range(0)


def _rule(hit: Hit, sent: Sent, beacon: Beacon, any_proxy: bool) -> Rule | None:
    if beacon.user_id != sent.user_id or beacon.account_id != sent.account_id:
        return None
    if not _near(hit.kind, hit.at, beacon.at):
        return None
    if any_proxy and hit.finding.verdict is Verdict.PROXIED_HUMAN:
        return THROUGH_PROXY
    if _is_googles(hit.finding):
        return THROUGH_PROXY
    if hit.finding.verdict not in (Verdict.HUMAN, Verdict.PROXIED_HUMAN) or hit.browser != beacon.browser:
        return None
    if hit.address is not None and hit.address == beacon.address:
        return SAME_BROWSER
    is_unknown = None in (hit.address, beacon.address) or hit.is_ipv6 != beacon.is_ipv6
    return SAME_AGENT if is_unknown and hit.kind is EngagementKind.OPEN else None


def _near(kind: EngagementKind, hit_at: datetime, viewed_at: datetime) -> bool:
    after = hit_at - viewed_at
    return -OPEN_WINDOW <= after <= (OPEN_WINDOW if kind is EngagementKind.OPEN else CLICK_AFTER)


def _preference(found: tuple[float, Rule]) -> tuple[float, float]:
    seconds, rule = found
    return -rule.confidence, seconds
