"""Doubts that decide nothing alone: two of them together, or one so soon that nobody had read the mail."""

from datetime import timedelta

from services.tracker.model import Finding, Hit, Sent
from services.tracker.rules.rule import Rule
from services.tracker.rules.senders import DATA_CENTRE
from shared.events.engagements import Evidence, Verdict

TOGETHER = Rule(
    "signs.together",
    Verdict.MACHINE,
    0.75,
    "A program that poses as a browser seldom copies all: language, what it asks for, where it runs",
    "A person behind an office's proxy in a cloud may lack the same headers.",
)
SOON = Rule(
    "signs.soon",
    Verdict.MACHINE,
    0.6,
    "A log of 836 scanner bursts: median 43 s after the send; people behind a cloud read at their own time",
    "A person on a VPN who waits for the mail opens it as soon.",
)
RULES = (TOGETHER, SOON)
_DOUBTFUL = 0.4  # confidence in a person with one sign against
_SOON = timedelta(minutes=2)


def find(hit: Hit, sent: Sent, *, was_read: bool) -> Finding | None:
    """A finding for a hit with doubts, which stand beside it as evidence; None without any."""
    if not hit.doubts or hit.by_mail_program or hit.finding.verdict is not Verdict.HUMAN:
        return None
    said = tuple(rule.evidence() for rule in hit.doubts)
    if len(hit.doubts) > 1:
        return _with(TOGETHER, said)
    is_soon = hit.at - sent.at < _SOON
    if is_soon and not was_read and DATA_CENTRE in hit.doubts:
        return _with(SOON, said)
    own = hit.finding
    return Finding(own.verdict, min(own.confidence, _DOUBTFUL), (*own.evidence, *said))


def _with(rule: Rule, said: tuple[Evidence, ...]) -> Finding:
    finding = rule.finding()
    return finding._replace(evidence=(*finding.evidence, *said))
