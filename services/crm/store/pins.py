"""Which mails are pinned to the top of a record's timeline: one document for each record that has any."""

from collections.abc import Sequence
from uuid import UUID

from services.crm.store.database import AccountDocuments, Database, Session
from shared.directory.contract import RecordRef
from shared.events.ids import derived_id


class PinStore:
    """Message ids by record, the newest pin first."""

    def __init__(self, database: Database) -> None:
        self._pins = AccountDocuments(database, "pins")

    async def of(self, account_id: UUID, record: RecordRef, session: Session | None = None) -> list[UUID]:
        """The pinned mails of a record, whether or not they still stand on it."""
        found = await self._pins.get(account_id, _pins_id(record), session)
        return list(found["message_ids"]) if found else []

    async def put(
        self, account_id: UUID, record: RecordRef, message_ids: Sequence[UUID], session: Session
    ) -> None:
        """Replace them."""
        pins = {
            "record_type": record.record_type,
            "record_id": record.record_id,
            "message_ids": list(message_ids),
        }
        await self._pins.put_all(account_id, {_pins_id(record): pins}, session)


def _pins_id(record: RecordRef) -> UUID:
    return derived_id("pins", record.record_type, record.record_id)
