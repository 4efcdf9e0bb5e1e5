"""The history of contacts' legal bases."""

from collections.abc import Mapping
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Page
from services.crm.model.records import LegalBasisChange
from services.crm.rules.places import cursor, place
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document, value


class LegalBasisHistory:
    """Changes are added and read, never changed."""

    def __init__(self, database: Database) -> None:
        newest = IndexModel([("account_id", 1), ("contact_id", 1), ("place", -1)])
        self._changes = AccountDocuments(database, "legal_bases", [newest])

    async def add_all(
        self, account_id: UUID, changes: Mapping[UUID, LegalBasisChange], session: Session
    ) -> None:
        """One more change of each of these contacts."""
        documents = {
            change.id: {
                **document(change),
                "contact_id": contact_id,
                "place": place(change.since, change.id),
            }
            for contact_id, change in changes.items()
        }
        await self._changes.put_all(account_id, documents, session)

    async def page(
        self, account_id: UUID, contact_id: UUID, after: str | None, limit: int
    ) -> Page[LegalBasisChange]:
        """Changes of one contact's, newest first; `after` is a place."""
        where: dict[str, object] = {"contact_id": contact_id}
        if after is not None:
            where["place"] = {"$lt": after}
        found = await self._changes.find(account_id, where, sort=("place", -1), limit=limit + 1)
        rows = tuple(value(LegalBasisChange, change) for change in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["place"]) if more else None)
