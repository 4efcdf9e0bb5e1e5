"""What is left: nothing speaks against a person."""

from collections.abc import Sequence
from datetime import timedelta

from services.tracker.model import Finding, Hit
from services.tracker.rules import repeats
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Verdict
from shared.events.hits import Endpoint, HitRecorded

_NO_SIGN = "No sign of a machine among the rules of this version"

OPEN = Rule(
    "default.open",
    Verdict.HUMAN,
    0.6,
    _NO_SIGN,
    "A preview pane fires a real load and cannot be told from reading; a scanner may look like a browser.",
)
CLICK = Rule(
    "default.click",
    Verdict.HUMAN,
    0.7,
    _NO_SIGN,
    "A security scanner follows links with a browser-like agent; with a single link that is undecidable.",
)
HEAD = Rule(
    "default.head",
    Verdict.HUMAN,
    0.4,
    "HEAD then GET by one client comes in pairs and is one hit",
    "HEAD alone shows no picture and no page: a reader rarely stops there.",
)
HEAD_ALONE = Rule(
    "default.head-alone",
    Verdict.MACHINE,
    0.6,
    "Readers load the picture and the page; HEAD is how programs look whether an address answers",
    "Office programs ask so for a person's click, just before the browser's own request.",
)
RULES = (OPEN, CLICK, HEAD, HEAD_ALONE)
_OPEN, _CLICK, _HEAD, _HEAD_ALONE = (rule.finding() for rule in RULES)


def paired(hit: Hit, around: Sequence[Hit]) -> Hit:
    """A HEAD as the GET of the same client beside it is seen: the two are one hit. Others as they are."""
    if not hit.is_head:
        return hit
    window = repeats.OPEN_WINDOW if hit.kind is EngagementKind.OPEN else repeats.CLICK_WINDOW
    for other in around:
        if _is_its_get(hit, other) and timedelta() <= other.at - hit.at <= window:
            return hit._replace(
                finding=other.finding, doubts=other.doubts, is_whole_visit=other.is_whole_visit
            )
    return hit


def _is_its_get(hit: Hit, other: Hit) -> bool:
    return (
        not other.is_head
        and other.client == hit.client
        and (other.kind, other.slot, other.link_index) == (hit.kind, hit.slot, hit.link_index)
    )


def find_first(hit: HitRecorded) -> Finding:
    """Always a finding; as the first rule set had it."""
    return _HEAD if hit.method == "HEAD" else find(hit)


def find(hit: HitRecorded) -> Finding:
    """Always a finding."""
    if hit.method == "HEAD":
        return _HEAD_ALONE
    return _OPEN if hit.endpoint is Endpoint.PIXEL else _CLICK
