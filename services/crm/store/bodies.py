"""Uploaded mail bodies: pending until the log decision, then kept or discarded."""

from collections.abc import Iterable
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

    async def settle(self, account_id: UUID, fates: Iterable[tuple[UUID, Fate]], session: Session) -> None:
        """Keep for good, or discard, by message. Nothing happens to one without a body."""
        by_message = dict(fates)
        kept = {
            id_: {"$set": {"pending_until": None}} for id_, fate in by_message.items() if fate is Fate.KEPT
        }
        await self._bodies.update_all(account_id, kept, session)
        discarded = [id_ for id_, fate in by_message.items() if fate is Fate.DISCARDED]
        await self._bodies.delete_all(account_id, discarded, session)
