"""Proxies that fetch every image whether the mail is read or not: nothing can be said."""

from services.tracker.model import Finding
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

_BARE_AGENT = "Mozilla/5.0"

APPLE_BARE_AGENT = Rule(
    "privacy.apple-bare-agent",
    Verdict.PRIVACY_PROXY,
    0.6,
    "Apple Mail Privacy Protection strips the agent to a bare 'Mozilla/5.0' (one vendor blog, weak)",
    "Other programs may send the bare agent too; the egress networks are not checked yet.",
)
RULES = (APPLE_BARE_AGENT,)
_APPLE = APPLE_BARE_AGENT.finding()


def find(hit: HitRecorded) -> Finding | None:
    """A finding for exactly the bare agent on a pixel, else None."""
    return _APPLE if hit.user_agent == _BARE_AGENT and hit.endpoint is Endpoint.PIXEL else None
