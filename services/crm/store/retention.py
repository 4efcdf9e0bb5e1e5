"""How long accounts keep the content of mail, and which of them are to be looked at."""

from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.retention import Retention
from services.crm.store.database import AccountDocuments, Database, Session, translated
from services.crm.store.documents import document, value


class Retentions:
    """One for each account that has ever set one."""

    def __init__(self, database: Database) -> None:
        self._retentions = AccountDocuments(database, "retentions")

    async def get(self, account_id: UUID, session: Session | None = None) -> Retention | None:
        """The account's; None: it has never set one."""
        found = await self._retentions.get(account_id, account_id, session)
        return None if found is None else value(Retention, found)

    async def put(self, account_id: UUID, retention: Retention, session: Session) -> None:
        """Another setting."""
        await self._retentions.put_all(account_id, {account_id: document(retention)}, session)

    async def rest(self, account_id: UUID, seen: Retention, until: datetime, after: UUID | None) -> None:
        """Look again then, at mails after that one (None: at all), unless the setting was changed."""
        same = {"months": seen.months, "due_at": seen.due_at}
        change = {"$set": {"due_at": until, "after": after}}
        await self._retentions.update(account_id, account_id, change, where=same)


class RetentionQueue:
    """Of all accounts."""

    def __init__(self, database: Database) -> None:
        self._retentions = database.collection("retentions", [IndexModel("due_at")])

    async def due(self, now: datetime) -> Retention | None:
        """The one that has waited longest."""
        with translated():
            found = await self._retentions.find_one({"due_at": {"$lte": now}}, sort=[("due_at", 1)])
        return None if found is None else value(Retention, found)
