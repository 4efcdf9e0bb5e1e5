"""The last word on whether a message or an account is tracked: the source of email.revocations."""

from uuid import UUID

from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.outbox import Outbox
from shared.events.revocations import RevocationEvent


class Revocations:
    """One event per subject."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._revocations = AccountDocuments(database, "revocations")
        self._outbox = outbox

    async def say(self, account_id: UUID, event: RevocationEvent, session: Session) -> None:
        """Store and publish."""
        documents = {event.subject_id: {"event": event.model_dump_json()}}
        await self._revocations.put_all(account_id, documents, session)
        await self._outbox.add(account_id, [event], session)
