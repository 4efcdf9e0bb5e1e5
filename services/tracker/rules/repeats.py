"""Hits that repeat an earlier one and are not counted again."""

from collections.abc import Iterable
from datetime import timedelta

from services.tracker.model import Hit, Recent
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Evidence

OPEN_WINDOW = timedelta(seconds=10)
CLICK_WINDOW = timedelta(seconds=5)
_SOURCE = "Windows in common use: 10 s for opens, 5 s for clicks on the same link"
_DOUBT = "Two people behind one proxy (one office, one mail service) within the window are taken for one."

OPEN = Rule("repeats.open", None, 0.0, _SOURCE, _DOUBT)
CLICK = Rule("repeats.click", None, 0.0, _SOURCE, _DOUBT)
HEAD_AND_GET = Rule(
    "repeats.head-and-get", None, 0.0, "HEAD then GET by one client comes in pairs and is one hit", _DOUBT
)
RULES = (OPEN, CLICK, HEAD_AND_GET)


def still_recent(hit: Hit, recent: Iterable[Recent]) -> tuple[Recent, ...]:
    """Those that a hit at this time may still repeat."""
    return tuple(known for known in recent if hit.at - known.at <= OPEN_WINDOW)


def original(hit: Hit, recent: Iterable[Recent]) -> Recent | None:
    """The counted-once hit that this one repeats: same client, slot and link, within the window.

    A GET repeats no HEAD that was taken for a machine's by its method alone: only the GET shows anything.
    """
    window = OPEN_WINDOW if hit.kind is EngagementKind.OPEN else CLICK_WINDOW
    for known in recent:
        if (
            known.client == hit.client
            and known.kind is hit.kind
            and known.slot == hit.slot
            and known.link_index == hit.link_index
            and hit.at - known.at <= window
            and (hit.is_head or known.finding.evidence[0].rule != "default.head-alone")
        ):
            return known
    return None


def evidence(hit: Hit, known: Recent) -> Evidence:
    """Why it is not counted again."""
    if hit.is_head != known.is_head:
        return HEAD_AND_GET.evidence()
    rule = OPEN if hit.kind is EngagementKind.OPEN else CLICK
    return rule.evidence(seconds=round((hit.at - known.at).total_seconds()))
