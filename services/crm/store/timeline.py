"""Timeline rows, one per record and event."""

from collections.abc import Collection, Iterable
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Page
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.places import cursor, place
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document, value
from shared.directory.contract import RecordRef

_RECORD = [("account_id", 1), ("record_type", 1), ("record_id", 1)]


class TimelineStore:
    """The read model of all timelines; each page walks one index from its cursor on."""

    def __init__(self, database: Database) -> None:
        newest = IndexModel([*_RECORD, ("place", -1)])
        newest_of_type = IndexModel([*_RECORD, ("type", 1), ("place", -1)])
        self._rows = AccountDocuments(database, "timeline", [newest, newest_of_type])

    async def page(
        self, account_id: UUID, record: RecordRef, after: str | None, limit: int, type_: TimelineType | None
    ) -> Page[TimelineRow]:
        """Rows of one record, newest first; `after` is a place."""
        where: dict[str, object] = {"record_type": record.record_type, "record_id": record.record_id}
        if type_ is not None:
            where["type"] = type_
        if after is not None:
            where["place"] = {"$lt": after}
        found = await self._rows.find(account_id, where, sort=("place", -1), limit=limit + 1)
        rows = tuple(value(TimelineRow, row) for row in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["place"]) if more else None)

    async def some(
        self, account_id: UUID, ids: Collection[UUID], session: Session | None = None
    ) -> dict[UUID, TimelineRow]:
        """Those of the rows that exist."""
        if not ids:
            return {}
        found = await self._rows.find(account_id, {"_id": {"$in": list(ids)}}, session=session)
        return {row["_id"]: value(TimelineRow, row) for row in found}

    async def put_all(self, account_id: UUID, rows: Iterable[TimelineRow], session: Session) -> None:
        """Write rows; the same id is the same row."""
        documents = {row.id: {**document(row), "place": place(row.occurred_at, row.id)} for row in rows}
        await self._rows.put_all(account_id, documents, session)

    async def delete_all(self, account_id: UUID, ids: Iterable[UUID], session: Session) -> None:
        """Take rows away that a correction made untrue."""
        await self._rows.delete_all(account_id, ids, session)
