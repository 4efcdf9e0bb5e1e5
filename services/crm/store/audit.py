"""The audit log: who changed what, when."""

from uuid import UUID

from pymongo import IndexModel

from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.rules.places import cursor, place
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
        return [*(await self.page(account_id, None, limit)).items]

    async def page(self, account_id: UUID, after: str | None, limit: int) -> Page[AuditEntry]:
        """Newest first; `after` is a place."""
        where = {} if after is None else {"place": {"$lt": after}}
        found = await self._entries.find(account_id, where, sort=("place", -1), limit=limit + 1)
        rows = tuple(value(AuditEntry, entry) for entry in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["place"]) if more else None)
