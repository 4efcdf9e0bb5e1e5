"""Opens of an older message of a thread: showing a newer one loads the older picture too (B5)."""

from collections.abc import Sequence
from datetime import timedelta

from services.tracker.model import Finding, Hit
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Verdict

TOGETHER = timedelta(seconds=10)  # a page loads its pictures within seconds of being shown

OLDER = Rule(
    "threads.older-message",
    Verdict.OLDER_MESSAGE,
    0.8,
    "A mail program that shows a thread loads the pictures of all that stands in it, quoted ones too",
    "Somebody may have gone back to the older message within the same seconds.",
)
RULES = (OLDER,)


def find(hit: Hit, newer: Sequence[Hit], *, seen: int | None = None) -> Finding | None:
    """A finding when the same client opened a newer message of the thread at the same time.

    `newer`: opens of newer messages of the thread within TOGETHER, before and after. `seen`: how many seconds
    apart one was seen when the hit came, None if none was.
    """
    if hit.kind is not EngagementKind.OPEN or hit.finding.verdict not in (
        Verdict.HUMAN,
        Verdict.PROXIED_HUMAN,
    ):
        return None
    apart = [_apart(hit, other) for other in newer if _is_with(hit, other)]
    if seen is not None:
        apart.append(seen)
    return OLDER.finding(seconds=min(apart)) if apart else None


def _is_with(hit: Hit, other: Hit) -> bool:
    return (
        other.kind is EngagementKind.OPEN
        and abs(hit.at - other.at) <= TOGETHER
        and hit.browser == other.browser
        and (None in (hit.address, other.address) or hit.address == other.address or _is_proxied(hit))
    )


def _is_proxied(hit: Hit) -> bool:
    return hit.finding.verdict is Verdict.PROXIED_HUMAN


def _apart(hit: Hit, other: Hit) -> int:
    return round(abs((hit.at - other.at).total_seconds()))
