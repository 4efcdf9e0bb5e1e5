"""The audit log: who changed what, when."""

from uuid import UUID

from pymongo import IndexModel

from services.crm.model.audit import AuditEntry
from services.crm.rules.places import place
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document, value


class AuditLog:
    """Entries are added and read, never changed."""

    def __init__(self, database: Database) -> None:
        newest = IndexModel([("account_id", 1), ("place", -1)])
        self._entries = AccountDocuments(database, "audit", [newest])

    async def add(self, account_id: UUID, entry: AuditEntry, session: Session) -> None:
        """One more entry."""
        fields = {**document(entry), "place": place(entry.at, entry.id)}
        await self._entries.insert(account_id, entry.id, fields, session)

    async def newest(self, account_id: UUID, limit: int) -> list[AuditEntry]:
        """The newest entries first."""
        found = await self._entries.find(account_id, {}, sort=("place", -1), limit=limit)
        return [value(AuditEntry, entry) for entry in found]
