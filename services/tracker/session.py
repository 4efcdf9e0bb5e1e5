"""Sessions: opens and clicks of one slot that follow each other within 30 minutes are one reading."""

from datetime import timedelta
from uuid import UUID

from services.tracker.model import Cursor, Hit, Session
from shared.events.engagements import EngagementKind
from shared.events.ids import derived_id

PAUSE = timedelta(minutes=30)  # in common use; a longer one begins a new reading


def current(cursor: Cursor, hit: Hit) -> Session | None:
    """The reading that this hit belongs to, if one is going on."""
    session = cursor.sessions.get(hit.slot)
    return session if session is not None and hit.at - session.last <= PAUSE else None


def continued(session: Session | None, hit: Hit, engagement_id: UUID) -> Session:
    """The reading after a counted hit: the same one, or a new one that it begins."""
    if session is None:
        session = Session(derived_id("session", engagement_id), hit.at)
    is_click = hit.kind is EngagementKind.CLICK
    last = max(session.last, hit.at)
    return Session(session.session_id, last, opened=True, clicked=session.clicked or is_click)
