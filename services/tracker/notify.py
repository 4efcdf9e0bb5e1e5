"""What the rep is told: first open and first click of each reading; at once unless a burst may show."""

from datetime import timedelta

from services.tracker.model import Finding, Hit, Sent, Session
from shared.events.engagements import EngagementKind, Verdict

_SCANNERS_COME = timedelta(minutes=1)  # of 836 bursts 69 % came within it (FACTS: one site's log)
_SURELY = 0.8  # a proxy by its own name, not by its network alone
_SCANNERS_FOLLOW = timedelta(minutes=10)  # a link of a mail that nobody was seen to open


def raises(session: Session | None, hit: Hit) -> bool:
    """Whether a counted hit is news; `session` is the reading before it.

    A click counts as an open too (B7), so a picture that loads after it raises nothing more.
    """
    if session is None:
        return True
    return not (session.clicked if hit.kind is EngagementKind.CLICK else session.opened)


def is_suspicious(hit: Hit, finding: Finding, sent: Sent) -> bool:
    """Whether a counted hit on an unread mail may be the first of a scanner's burst: then telling waits (B3).

    Clear are a mail service's proxy that is surely one, and a mail program.
    """
    if hit.by_mail_program or (finding.verdict is Verdict.PROXIED_HUMAN and finding.confidence >= _SURELY):
        return False
    if hit.doubts:
        return True
    after = hit.at - sent.at
    return after < (_SCANNERS_COME if hit.kind is EngagementKind.OPEN else _SCANNERS_FOLLOW)
