"""What the rep is told: the first open and the first click of each reading, at once."""

from services.tracker.model import Hit, Session
from shared.events.engagements import EngagementKind


def raises(session: Session | None, hit: Hit) -> bool:
    """Whether a counted hit is news; `session` is the reading before it.

    A click counts as an open too (B7), so a picture that loads after it raises nothing more.
    """
    if session is None:
        return True
    return not (session.clicked if hit.kind is EngagementKind.CLICK else session.opened)
