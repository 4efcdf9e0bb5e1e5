"""The verdict on a hit: first by itself, then with what is known around it."""

from collections.abc import Sequence

from services.tracker.model import Beacon, Finding, Hit, Sent
from services.tracker.rules import default, own_views, prefetch, privacy, proxies, timing
from shared.events.hits import HitRecorded

_ALONE = (prefetch.find, privacy.find, proxies.find)  # the first that speaks decides


def alone(hit: HitRecorded) -> Finding:
    """What agent, address, method and endpoint say, whatever else happened."""
    for find in _ALONE:
        finding = find(hit)
        if finding is not None:
            return finding
    return default.find(hit)


def in_context(hit: Hit, sent: Sent, beacons: Sequence[Beacon]) -> Finding:
    """The same with the rep's own views, and the time since the send as evidence."""
    finding = (own_views.find(hit, sent, beacons) if beacons else None) or hit.finding
    return Finding(finding.verdict, finding.confidence, (*finding.evidence, timing.evidence(hit, sent)))
