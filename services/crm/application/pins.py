"""Mails pinned to the top of a record's timeline (R3)."""

from uuid import UUID

from services.crm.model.timeline import TimelineRow
from services.crm.rules.timeline import email_row_id
from services.crm.store.database import Database, Session
from services.crm.store.pins import PinStore
from services.crm.store.records import AllRecords
from services.crm.store.timeline import TimelineStore
from shared.directory.contract import RecordRef
from shared.http.problems import CONFLICT, NOT_FOUND, Problem

MOST = 10


class Pins:
    """Reads and changes. A mail that no longer stands on the record takes no room among its pins."""

    def __init__(
        self, database: Database, records: AllRecords, timeline: TimelineStore, pins: PinStore
    ) -> None:
        self._database = database
        self._records = records
        self._timeline = timeline
        self._pins = pins

    async def of(self, account_id: UUID, record: RecordRef) -> tuple[TimelineRow, ...]:
        """The rows of the pinned mails, the newest pin first. Problem 404 (no such record)."""
        await self._check(account_id, record)
        message_ids = await self._pins.of(account_id, record)
        return await self._rows(account_id, record, message_ids)

    async def put(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        """Pin a mail; again changes nothing. Problem 404 (no such record, or the mail does not stand on
        it), 409 (ten are pinned)."""
        await self._check(account_id, record)

        async def body(session: Session) -> None:
            known = await self._pins.of(account_id, record, session)
            rows = await self._rows(account_id, record, [message_id, *known], session)
            standing = [row.message_id for row in rows]
            if message_id not in standing:
                raise Problem(NOT_FOUND, "The mail does not stand on this record.")
            if message_id in known:
                return
            if len(standing) > MOST:
                raise Problem(CONFLICT, f"At most {MOST} mails are pinned to a record: take one off first.")
            await self._pins.put(account_id, record, standing, session)

        await self._database.in_transaction(body)

    async def remove(self, account_id: UUID, record: RecordRef, message_id: UUID) -> None:
        """Take a pin off; again changes nothing. Problem 404 (no such record)."""
        await self._check(account_id, record)

        async def body(session: Session) -> None:
            known = await self._pins.of(account_id, record, session)
            if message_id in known:
                left = [one for one in known if one != message_id]
                await self._pins.put(account_id, record, left, session)

        await self._database.in_transaction(body)

    async def _check(self, account_id: UUID, record: RecordRef) -> None:
        if not await self._records.names(account_id, [record]):
            raise Problem(NOT_FOUND, "No such record.")

    async def _rows(
        self, account_id: UUID, record: RecordRef, message_ids: list[UUID], session: Session | None = None
    ) -> tuple[TimelineRow, ...]:
        ids = [email_row_id(record.record_type, record.record_id, one) for one in message_ids]
        found = await self._timeline.some(account_id, ids, session)
        return tuple(found[id_] for id_ in dict.fromkeys(ids) if id_ in found)
