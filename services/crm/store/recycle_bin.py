"""Deleted records, kept whole for the undo, out of every other collection's sight."""

from datetime import datetime, timedelta
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.records import Record
from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.documents import document
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType

KEPT_FOR = timedelta(days=30)


class RecycleBinStore:
    """One document per deleted record; the database forgets it after `KEPT_FOR`."""

    def __init__(self, database: Database) -> None:
        forgotten = IndexModel("kept_until", expireAfterSeconds=0)
        self._records = AccountDocuments(database, "recycle_bin", [forgotten])

    async def get(self, account_id: UUID, ref: RecordRef, session: Session) -> dict[str, object] | None:
        """The deleted record as it was, with its `id`, if it is still kept."""
        found = await self._records.get(account_id, ref.record_id, session)
        if found is None or RecordType(found["record_type"]) is not ref.record_type:
            return None
        return {**found["record"], "id": ref.record_id}

    async def put(
        self, account_id: UUID, ref: RecordRef, record: Record, now: datetime, session: Session
    ) -> None:
        """Keep a record that is deleted now."""
        fields = {
            "record_type": ref.record_type,
            "record": document(record),
            "kept_until": now + KEPT_FOR,
        }
        await self._records.put_all(account_id, {ref.record_id: fields}, session)

    async def take_out(self, account_id: UUID, ref: RecordRef, session: Session) -> None:
        """It is back among the records."""
        await self._records.delete_all(account_id, [ref.record_id], session)
