"""Opens that nobody fetched: a click or a reply proves that the mail was open (B7)."""

from datetime import timedelta

from services.tracker.model import Finding, Hit, Sent
from services.tracker.rules import timing
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict

CLICK = Rule(
    "inferred.click",
    None,
    0.0,
    "A link can be followed only from an opened mail; images may have been off",
    "A forwarded address or a scanner follows the link without the mail; it is as sure as the click.",
)
REPLY = Rule(
    "inferred.reply",
    Verdict.HUMAN,
    0.9,
    "Who answers a mail has it open; images may have been off",
    "An automatic answer (out of office, receipt of a ticket) opens nothing, and only its wording tells it "
    "from a person's; in a thread with several mails it may answer an earlier one.",
)
REPLY_AT_ONCE = Rule(
    "inferred.reply-at-once",
    None,
    0.0,
    "Responders answer as the mail is delivered (RFC 3834); a person reads and writes first",
    "Who has waited for the mail answers as soon.",
)
RULES = (CLICK, REPLY, REPLY_AT_ONCE)
REPLIED = REPLY.finding()
_EVIDENCE = CLICK.evidence()
_AT_ONCE = timedelta(minutes=1)
_SURE_AT_ONCE = 0.5  # of a person
_CONFIRMED_WITHIN = timedelta(minutes=1)  # the confirmation of the sending lags behind the delivery


def from_click(click: Finding) -> Finding:
    """The open's finding: the click's verdict and confidence, and why."""
    return Finding(click.verdict, click.confidence, (_EVIDENCE, *click.evidence))


def from_reply(reply: Hit, sent: Sent) -> Finding:
    """The open's finding: a person's, unless the mail was not sent yet when the answer came."""
    after, said = reply.happened_at - sent.at, REPLIED.evidence
    if after < -_CONFIRMED_WITHIN:
        early = timing.BEFORE_SEND.finding()
        return early._replace(evidence=(*said, *early.evidence))
    at_once = (REPLY_AT_ONCE.evidence(),) if after < _AT_ONCE else ()
    confidence = _SURE_AT_ONCE if at_once else REPLIED.confidence
    return Finding(REPLIED.verdict, confidence, (*said, *at_once, timing.evidence(reply, sent)))
