"""Files that are being imported, kept for a day."""

from datetime import datetime, timedelta
from uuid import UUID

from pymongo import IndexModel

from services.crm.store.database import AccountDocuments, Database

KEPT_FOR = timedelta(days=1)


class ImportFiles:
    """One document per upload."""

    def __init__(self, database: Database) -> None:
        forgotten = IndexModel("kept_until", expireAfterSeconds=0)
        self._files = AccountDocuments(database, "imports", [forgotten])

    async def add(self, account_id: UUID, id_: UUID, user_id: UUID, content: bytes, now: datetime) -> None:
        """Keep a file."""
        fields = {"user_id": user_id, "content": content, "kept_until": now + KEPT_FOR}
        await self._files.insert(account_id, id_, fields)

    async def get(self, account_id: UUID, id_: UUID, user_id: UUID) -> bytes | None:
        """A file of that user's."""
        found = await self._files.first(account_id, {"_id": id_, "user_id": user_id})
        return None if found is None else bytes(found["content"])
