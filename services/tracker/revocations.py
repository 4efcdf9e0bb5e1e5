"""Which messages and accounts are no longer tracked: the last word on each."""

from datetime import datetime
from uuid import UUID

from shared.events.revocations import RevocationEvent, TrackingRevoked


class Revocations:
    """The fold of email.revocations."""

    def __init__(self) -> None:
        self._since: dict[UUID, datetime] = {}

    def apply(self, event: RevocationEvent) -> None:
        """Events of one subject come in order."""
        if isinstance(event, TrackingRevoked):
            self._since[event.subject_id] = event.occurred_at
        else:
            self._since.pop(event.subject_id, None)

    def clear(self) -> None:
        """Forget all: another broker, whose topic is read from its beginning."""
        self._since.clear()

    def since(self, message_id: UUID, account_id: UUID) -> datetime | None:
        """Since when nothing of it is recorded; None while it is tracked."""
        if not self._since:
            return None
        found = [self._since[subject] for subject in (message_id, account_id) if subject in self._since]
        return min(found, default=None)
