"""What is left: nothing speaks against a person."""

from services.tracker.model import Finding
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
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
RULES = (OPEN, CLICK, HEAD)
_OPEN, _CLICK, _HEAD = (rule.finding() for rule in RULES)


def find(hit: HitRecorded) -> Finding:
    """Always a finding."""
    if hit.method == "HEAD":
        return _HEAD
    return _OPEN if hit.endpoint is Endpoint.PIXEL else _CLICK
