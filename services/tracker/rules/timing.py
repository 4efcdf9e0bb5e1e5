"""When a hit came, seen from the send: before it and within two seconds no recipient has the mail open."""

from datetime import timedelta

from services.tracker.model import Finding, Hit, SendState, Sent
from services.tracker.rules.rule import Rule
from shared.events.engagements import Evidence, Verdict

AFTER_SEND = Rule(
    "timing.after-send",
    None,
    0.0,
    "A log of 836 scanner bursts: 61 % of their pixels within 10 s, a third later than a minute",
    "The time of sending is the mail system's confirmation and may lag behind the delivery.",
)
TOO_FAST = Rule(
    "timing.too-fast",
    Verdict.MACHINE,
    0.65,
    "In use elsewhere: under 2 s after the send. Delivery, notice and a hand on the mouse take longer",
    "The mail system's confirmation may come late, and a proxy's fetch says less: those are left out.",
)
BEFORE_SEND = Rule(
    "timing.before-send",
    Verdict.SELF,
    0.6,
    "Before a mail is sent only its sender has it, as a draft or among those scheduled",
    "A client that confirms a sending late, without its time, makes opens look too early.",
)
RULES = (AFTER_SEND, TOO_FAST, BEFORE_SEND)
_LEAST = timedelta(seconds=2)
_CONFIRMED_WITHIN = timedelta(minutes=1)


def find(hit: Hit, sent: Sent) -> Finding | None:
    """A finding for a fetch from long before the send, and for a direct one within two seconds of it.

    Shortly before the send says nothing: the confirmation lags behind the delivery.
    """
    after = hit.at - sent.at
    if sent.state is not SendState.SENT:
        return None  # the time of a scheduled mail is a plan
    if after < -_CONFIRMED_WITHIN and hit.finding.verdict in (Verdict.HUMAN, Verdict.PROXIED_HUMAN):
        return BEFORE_SEND.finding()
    is_direct = hit.finding.verdict is Verdict.HUMAN
    return TOO_FAST.finding() if is_direct and timedelta() <= after < _LEAST else None


def evidence(hit: Hit, sent: Sent) -> Evidence:
    """Whole seconds between send and hit; 0 when the confirmation came after the hit."""
    return AFTER_SEND.evidence(seconds=max(0, round((hit.happened_at - sent.at).total_seconds())))
