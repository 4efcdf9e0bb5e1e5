"""Deleting records, and taking that back (R1)."""

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.privacy import PrivacyReviews
from services.crm.application.records import check_version, eligibility_changed
from services.crm.model.failures import AlreadyThere
from services.crm.model.records import AnyRecord, Contact
from services.crm.problems import ADDRESS_TAKEN
from services.crm.rules.versions import Expected
from services.crm.store.database import Database, Session
from services.crm.store.records import AllRecords
from services.crm.store.recycle_bin import RecycleBinStore
from shared.auth.tokens import SignedIn
from shared.directory.contract import RecordRef
from shared.http.problems import NOT_FOUND, Problem


class RecycleBin:
    """A deleted record is nowhere: not listed, found, associated, offered or told to the directory. What
    stands beside it (timeline rows, associations) stays, unseen, until the record is back."""

    def __init__(
        self,
        database: Database,
        records: AllRecords,
        deleted: RecycleBinStore,
        auditor: Auditor,
        reviews: PrivacyReviews,
        clock: Clock,
    ) -> None:
        self._reviews = reviews
        self._database = database
        self._records = records
        self._deleted = deleted
        self._auditor = auditor
        self._clock = clock

    async def delete(self, who: SignedIn, ref: RecordRef, expected: Expected = None) -> None:
        """Delete; a contact's addresses are free from then on. Problem 404, 412."""

        async def body(session: Session) -> None:
            record = await self._records.of(ref.record_type).get(who.account_id, ref.record_id, session)
            if record is None:
                raise Problem(NOT_FOUND, f"No such {ref.record_type.value}.")
            check_version(record, expected)
            await self._deleted.put(who.account_id, ref, record, self._clock(), session)
            await self._records.of(ref.record_type).remove(who.account_id, ref.record_id, session)
            addresses = record.addresses if isinstance(record, Contact) else ()
            await self._records.addresses.release(who.account_id, addresses, session)
            gone = eligibility_changed(record, None)
            await self._reviews.bases_changed(who.account_id, gone, session)
            await self._noted(who, ref, session, deleted=True)

        await self._database.in_transaction(body)
        self._reviews.wake()

    async def restore(self, who: SignedIn, ref: RecordRef) -> AnyRecord:
        """Take a deletion back; repeating it changes nothing.

        Problem 404 (it is not there, or no longer kept), 409 (an address is another contact's now).
        """

        async def body(session: Session) -> AnyRecord:
            records = self._records.of(ref.record_type)
            there: AnyRecord | None = await records.get(who.account_id, ref.record_id, session)
            if there is not None:
                return there
            kept = await self._deleted.get(who.account_id, ref, session)
            if kept is None:
                raise Problem(NOT_FOUND, f"No such deleted {ref.record_type.value}.")
            record = records.read(kept)
            changed = {"version": record.version + 1, "updated_at": self._clock()}
            record = record.model_copy(update=changed)
            await records.add(who.account_id, record, session)
            if isinstance(record, Contact):
                await self._records.addresses.claim(who.account_id, record.id, record.addresses, session)
            await self._deleted.take_out(who.account_id, ref, session)
            await self._reviews.bases_changed(who.account_id, eligibility_changed(None, record), session)
            await self._noted(who, ref, session, deleted=False)
            restored: AnyRecord = record
            return restored

        try:
            found = await self._database.in_transaction(body)
        except AlreadyThere:
            raise Problem(
                ADDRESS_TAKEN, "Take the address from the other contact, then restore this one."
            ) from None
        self._reviews.wake()
        return found

    async def _noted(self, who: SignedIn, ref: RecordRef, session: Session, *, deleted: bool) -> None:
        known = {"record": str(ref.record_id)}
        action = f"{ref.record_type.value}.{'deleted' if deleted else 'restored'}"
        change = Change(action, known if deleted else {}, {} if deleted else known)
        await self._auditor.note(who, change, session)
