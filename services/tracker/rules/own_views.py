"""The rep's own views: only the browser that carries the extension can prove one (B4).

It reports "I am viewing this"; the hit may come before or after the report.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.tracker.model import Beacon, Finding, Hit, Sent
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Verdict

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
    "The address is unknown on one side; many people use the same browser version.",
)
THROUGH_PROXY = Rule(
    "own-views.through-proxy",
    Verdict.SELF,
    0.7,
    _SOURCE,
    "Gmail's proxy hides who looks: a recipient who opens within the same seconds is taken for the rep.",
)
RULES = (SAME_BROWSER, SAME_AGENT, THROUGH_PROXY)


def find(hit: Hit, sent: Sent, beacons: Sequence[Beacon]) -> Finding | None:
    """A finding when the nearest fitting report of the message's own user explains the hit, else None."""
    best: tuple[float, Rule] | None = None
    for beacon in beacons:
        rule = _rule(hit, sent, beacon)
        if rule is not None:
            seconds = abs((hit.at - beacon.at).total_seconds())
            best = min(best or (seconds, rule), (seconds, rule), key=_preference)
    return None if best is None else best[1].finding(seconds=round(best[0]))


def affected(beacon: Beacon, hits: Iterable[Hit]) -> range:
    """Positions from the first to the last hit that this report may explain."""
    near = [index for index, hit in enumerate(hits) if _near(hit.kind, hit.at, beacon.at)]
    return range(near[0], near[-1] + 1) if near else range(0)


def _rule(hit: Hit, sent: Sent, beacon: Beacon) -> Rule | None:
    if beacon.user_id != sent.user_id or beacon.account_id != sent.account_id:
        return None
    if not _near(hit.kind, hit.at, beacon.at):
        return None
    if hit.finding.verdict is Verdict.PROXIED_HUMAN:
        return THROUGH_PROXY
    if hit.finding.verdict is not Verdict.HUMAN or hit.browser != beacon.browser:
        return None
    if hit.address is None or beacon.address is None:
        return SAME_AGENT if hit.kind is EngagementKind.OPEN else None
    return SAME_BROWSER if hit.address == beacon.address else None


def _near(kind: EngagementKind, hit_at: datetime, viewed_at: datetime) -> bool:
    after = hit_at - viewed_at
    return -OPEN_WINDOW <= after <= (OPEN_WINDOW if kind is EngagementKind.OPEN else CLICK_AFTER)


def _preference(found: tuple[float, Rule]) -> tuple[float, float]:
    seconds, rule = found
    return -rule.confidence, seconds
