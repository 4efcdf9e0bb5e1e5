"""Uploaded mail bodies: pending until the log decision, then kept or discarded."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.messages import Body
from services.crm.rules.uploads import Fate
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import value

PENDING_FOR = timedelta(days=30)


class Bodies:
    """One body per message."""

    def __init__(self, database: Database) -> None:
        forgotten = IndexModel("pending_until", expireAfterSeconds=0)
        self._bodies = AccountDocuments(database, "bodies", [forgotten])

    async def get(self, account_id: UUID, message_id: UUID) -> Body | None:
        """The body, pending or kept."""
        found = await self._bodies.get(account_id, message_id)
        return None if found is None else value(Body, found)

    async def put(self, account_id: UUID, message_id: UUID, html: str, text: str, session: Session) -> None:
        """Store as pending; uploading again replaces."""
        pending_until = datetime.now(UTC) + PENDING_FOR
        fields = {"html": html, "text": text, "pending_until": pending_until}
        await self._bodies.put_all(account_id, {message_id: fields}, session)

    async def settle(self, account_id: UUID, message_id: UUID, session: Session, fate: Fate) -> None:
        """Keep for good, or discard. Nothing happens without a body."""
        if fate is Fate.KEPT:
            change = {"$set": {"pending_until": None}}
            await self._bodies.update(account_id, message_id, change, session=session)
        elif fate is Fate.DISCARDED:
            await self._bodies.delete_all(account_id, [message_id], session)
