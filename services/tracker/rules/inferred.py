"""Opens that nobody fetched: a click proves that the mail was open (B7)."""

from services.tracker.model import Finding
from services.tracker.rules.rule import Rule

CLICK = Rule(
    "inferred.click",
    None,
    0.0,
    "A link can be followed only from an opened mail; images may have been off",
    "A forwarded address or a scanner follows the link without the mail; it is as sure as the click.",
)
RULES = (CLICK,)
_EVIDENCE = CLICK.evidence()


def from_click(click: Finding) -> Finding:
    """The open's finding: the click's verdict and confidence, and why."""
    return Finding(click.verdict, click.confidence, (_EVIDENCE, *click.evidence))
