"""When a hit came, seen from the send. So far evidence only: a short time alone decides nothing."""

from services.tracker.model import Hit, Sent
from services.tracker.rules.rule import Rule
from shared.events.engagements import Evidence

AFTER_SEND = Rule(
    "timing.after-send",
    None,
    0.0,
    "A log of 836 scanner bursts: 61 % of their pixels within 10 s, a third later than a minute",
    "The time of sending is the mail system's confirmation and may lag behind the delivery.",
)
RULES = (AFTER_SEND,)


def evidence(hit: Hit, sent: Sent) -> Evidence:
    """Whole seconds between send and hit; 0 when the confirmation came after the hit."""
    return AFTER_SEND.evidence(seconds=max(0, round((hit.at - sent.at).total_seconds())))
