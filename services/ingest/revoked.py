"""What is not tracked any more, in memory: a fold of email.revocations."""

from shared.events.base import Event
from shared.events.revocations import RevocationEvent, RevocationScope, TrackingRevoked


class Revoked:
    """The revoked messages and accounts, by the text of their ids."""

    def __init__(self) -> None:
        self._messages: set[bytes] = set()
        self._accounts: set[bytes] = set()

    def covers(self, account_id: bytes, message_id: bytes) -> bool:
        """Whether a hit on this message is to be served and not recorded."""
        return message_id in self._messages or account_id in self._accounts

    def apply(self, event: Event) -> None:
        """Take in one event; the last word on each message and account counts."""
        if not isinstance(event, RevocationEvent):
            return
        subject = str(event.subject_id).encode()
        subjects = self._accounts if event.scope is RevocationScope.ACCOUNT else self._messages
        if isinstance(event, TrackingRevoked):
            subjects.add(subject)
        else:
            subjects.discard(subject)
