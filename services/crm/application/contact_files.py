"""Contacts in and out as CSV (R1): a dry run first, then row by row, each as if it were typed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.records import RecordBook
from services.crm.model.imports import ImportPlan, ImportProgress, PlannedRow, RowFault, RowOutcome
from services.crm.model.records import Contact
from services.crm.problems import ADDRESS_TAKEN, CHANGED_MEANWHILE, NOT_READABLE
from services.crm.rules.addresses import fold
from services.crm.rules.contact_csv import (
    COLUMNS,
    MAX_BYTES,
    NotReadable,
    Row,
    Sheet,
    Step,
    line_of,
    read_sheet,
    step,
    written,
)
from services.crm.store.accounts import Users
from services.crm.store.imports import ImportFiles
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id
from shared.http.problems import NOT_FOUND, TOO_LARGE, Problem

APPLIED_AT_ONCE = 50
_KNOWN_AT_ONCE = 1000
_EXPORTED_AT_ONCE = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


class ContactFiles:
    """An upload is kept for a day; what it would do is worked out anew at each question, so that applying
    it twice changes nothing more."""

    def __init__(
        self,
        contacts: RecordBook[Contact],
        records: AllRecords,
        users: Users,
        files: ImportFiles,
        clock: Clock,
    ) -> None:
        self._contacts = contacts
        self._records = records
        self._users = users
        self._files = files
        self._clock = clock

    async def upload(self, who: SignedIn, content: bytes) -> UUID:
        """Keep a file. Problem 413, 422 (with its `reason`: see NotReadable)."""
        if len(content) > MAX_BYTES:
            raise Problem(TOO_LARGE, f"At most {MAX_BYTES} bytes.")
        await _sheet(content)
        id_ = new_id()
        await self._files.add(who.account_id, id_, who.user_id, content, self._clock())
        return id_

    async def plan(
        self, who: SignedIn, import_id: UUID, start: int = 0, limit: int = 100, *, left: bool = False
    ) -> ImportPlan:
        """What it would do, with some of the rows. Problem 404 (not this user's, or too old).

        `left`: rows are counted and given without those that change nothing any more.
        """
        sheet = await self._read(who, import_id)
        steps = [one.planned for one in await self._steps(who, sheet.rows)]
        if left:
            steps = [one for one in steps if one.outcome is not RowOutcome.SAME]
        return ImportPlan(
            id=import_id,
            total=len(steps),
            counts=Counter(one.outcome for one in steps),
            columns=sheet.columns,
            unknown_columns=sheet.unknown_columns,
            rows=tuple(steps[start : start + limit]),
        )

    async def apply(self, who: SignedIn, import_id: UUID, start: int = 0) -> ImportProgress:
        """Do the next rows from `start` on; call it again with `next`. Problem 404."""
        sheet = await self._read(who, import_id)
        rows = sheet.rows[start : start + APPLIED_AT_ONCE]
        done = [await self._do(who, one) for one in await self._steps(who, rows)]
        end = start + len(rows)
        return ImportProgress(
            total=len(sheet.rows),
            next=end if end < len(sheet.rows) else None,
            counts=Counter(one.outcome for one in done),
            wrong=tuple(one for one in done if one.outcome is RowOutcome.WRONG),
        )

    async def exported(self, account_id: UUID) -> AsyncIterator[str]:
        """All contacts as CSV, in parts; a cell that a spreadsheet would run is quoted."""
        owners = {user.id: user.address for user in await self._users.all(account_id)}
        yield _BYTE_ORDER_MARK + written([tuple(names[0] for names in COLUMNS.values())])
        after: str | None = None
        while True:
            page = await self._contacts.page(account_id, "", after, _EXPORTED_AT_ONCE)
            yield written(line_of(contact, owners) for contact in page.items)
            after = page.next
            if after is None:
                return

    async def _read(self, who: SignedIn, import_id: UUID) -> Sheet:
        content = await self._files.get(who.account_id, import_id, who.user_id)
        if content is None:
            raise Problem(NOT_FOUND, "No such upload.")
        return await _sheet(content)

    async def _steps(self, who: SignedIn, rows: Sequence[Row]) -> list[Step]:
        owners = {fold(user.address): user.id for user in await self._users.all(who.account_id)}
        known: dict[str, Contact] = {}
        for start in range(0, len(rows), _KNOWN_AT_ONCE):
            some = [row.address for row in rows[start : start + _KNOWN_AT_ONCE] if row.address]
            known |= _by_address(some, await self._records.contacts_at(who.account_id, some))
        return [step(row, known.get(fold(row.address)), owners) for row in rows]

    async def _do(self, who: SignedIn, wanted: Step) -> PlannedRow:
        told = wanted.planned
        try:
            if told.outcome is RowOutcome.NEW:
                await self._contacts.create(who.account_id, wanted.fields, by=who.user_id)
            elif told.outcome is RowOutcome.UPDATE and told.contact_id is not None:
                await self._contacts.edit(who.account_id, told.contact_id, wanted.fields, by=who.user_id)
        except Problem as problem:
            if problem.problem not in {ADDRESS_TAKEN, CHANGED_MEANWHILE, NOT_FOUND}:
                raise
            fault = {"outcome": RowOutcome.WRONG, "fault": RowFault.CHANGED_MEANWHILE}
            return told.model_copy(update=fault)
        return told


def _by_address(addresses: Sequence[str], contacts: Sequence[Contact | None]) -> Mapping[str, Contact]:
    pairs = zip(addresses, contacts, strict=True)
    return {fold(address): contact for address, contact in pairs if contact is not None}


async def _sheet(content: bytes) -> Sheet:
    try:
        return await asyncio.to_thread(read_sheet, content)
    except NotReadable as error:
        raise Problem(NOT_READABLE, "See `reason`.", reason=str(error)) from None
