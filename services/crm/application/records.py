"""Contacts, companies, deals, tickets (R1): list, search, create, read, edit, associate."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.application.privacy import PrivacyReviews
from services.crm.model.base import Page
from services.crm.model.failures import AlreadyThere
from services.crm.model.records import (
    Association,
    Company,
    Contact,
    ContactDetail,
    Deal,
    LegalBasis,
    LegalBasisChange,
    Record,
    Ticket,
)
from services.crm.problems import ADDRESS_TAKEN, CHANGED_MEANWHILE, NO_SUCH_RECORD, PRECONDITION_FAILED
from services.crm.rules.legal_bases import change_of, rebased
from services.crm.rules.versions import Expected, fits
from services.crm.store.accounts import Users
from services.crm.store.database import Database, Session
from services.crm.store.records import AllRecords, Records
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.problems import NOT_FOUND, Problem

AnyKind = TypeVar("AnyKind", bound=Record)
_READ_AGAIN = "Read the record again, then repeat the change."


class RecordBook(Generic[AnyKind]):
    """Records of one kind. `fields` are those of the kind that a client may set."""

    def __init__(
        self,
        database: Database,
        records: AllRecords,
        users: Users,
        kind: tuple[RecordType, type[AnyKind], Records[AnyKind]],
        reviews: PrivacyReviews,
        clock: Clock,
    ) -> None:
        self._reviews = reviews
        self._database = database
        self._all = records
        self._users = users
        self.type, self._kind, self._records = kind
        self._clock = clock

    async def page(
        self, account_id: UUID, query: str = "", after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[AnyKind]:
        """Newest first; `query`: words that begin a word of name, address, domain or title."""
        return await self._records.page(account_id, query, place_of(after), limit)

    async def get(self, account_id: UUID, id_: UUID) -> AnyKind:
        """One record, or Problem 404."""
        found = await self._records.get(account_id, id_)
        if found is None:
            raise Problem(NOT_FOUND, f"No such {self.type.value}.")
        return found

    async def associations(self, account_id: UUID, id_: UUID) -> tuple[Association, ...]:
        """What belongs to a record, by kind, primary first. Empty for a record that is not there."""
        return await self._all.associated(account_id, RecordRef(record_type=self.type, record_id=id_))

    async def create(
        self,
        account_id: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] = (),
        id_: UUID | None = None,
        *,
        by: UUID | None = None,
    ) -> AnyKind:
        """A new record, made by a user or by Kaifu itself.

        Problem 409 (address taken), 422 (an owner or association that is not there).
        """
        now = self._clock()
        dated = _dated(fields, LegalBasis(), now)
        record = self._kind.model_validate(
            {**dated, "id": id_ or new_id(), "created_at": now, "updated_at": now}
        )
        await self._check(account_id, record, associations)
        history = _history(None, record, by, now)

        async def body(session: Session) -> None:
            await self._records.add(account_id, record, session)
            await self._claim(account_id, None, record, session)
            await self._all.legal_bases.add_all(account_id, history, session)
            await self._associate(account_id, record.id, associations, session)

        await self._in_transaction(body)
        return record

    async def edit(
        self,
        account_id: UUID,
        id_: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] | None = None,
        *,
        expected: Expected = None,
        by: UUID | None = None,
    ) -> AnyKind:
        """Change the given fields; `associations` replace all there were.

        Problem 404, 409 (address taken, changed meanwhile), 412 (not of an expected version), 422.
        """
        before = await self.get(account_id, id_)
        check_version(before, expected)
        now = self._clock()
        dated = _dated(fields, getattr(before, "legal_basis", LegalBasis()), now)
        changed = {**dated, "version": before.version + 1, "updated_at": now}
        record = self._kind.model_validate({**before.model_dump(), **changed})
        history = _history(before, record, by, now)
        await self._check(account_id, record, associations or ())
        held = await self._held(account_id, id_) if associations is not None else []

        async def body(session: Session) -> None:
            if not await self._records.replace(account_id, record, before.version, session):
                raise Problem(CHANGED_MEANWHILE if expected is None else PRECONDITION_FAILED, _READ_AGAIN)
            await self._claim(account_id, before, record, session)
            await self._all.legal_bases.add_all(account_id, history, session)
            await self._reviews.bases_changed(account_id, eligibility_changed(before, record), session)
            kept = {one.ref for one in associations or ()}
            for ref in held:
                if ref not in kept:
                    own = RecordRef(record_type=self.type, record_id=id_)
                    await self._all.associations.remove(account_id, own, ref, session)
                    await self._all.of(ref.record_type).touch(account_id, ref.record_id, session)
            await self._associate(account_id, id_, associations or (), session, known=held)

        await self._in_transaction(body)
        return record

    async def _held(self, account_id: UUID, id_: UUID) -> list[RecordRef]:
        """What belongs to it and can be seen; what is deleted stays associated for its undo."""
        own = RecordRef(record_type=self.type, record_id=id_)
        refs = [ref for ref, _ in await self._all.associations.of(account_id, own)]
        there = await self._all.names(account_id, refs)
        return [ref for ref in refs if ref in there]

    async def _check(self, account_id: UUID, record: AnyKind, associations: Sequence[Association]) -> None:
        """Whatever the record points at must be in the account."""
        if record.owner_id is not None and await self._users.get(account_id, record.owner_id) is None:
            raise Problem(NO_SUCH_RECORD, "The owner is no user of the account.")
        refs = {association.ref for association in associations}
        if len(await self._all.names(account_id, refs)) != len(refs):
            raise Problem(NO_SUCH_RECORD, "An associated record does not exist.")

    async def _claim(
        self, account_id: UUID, before: AnyKind | None, after: AnyKind, session: Session
    ) -> None:
        if not isinstance(after, Contact):
            return
        kept = set(after.addresses)
        gone = [address for address in getattr(before, "addresses", ()) if address not in kept]
        await self._all.addresses.release(account_id, gone, session)
        await self._all.addresses.claim(account_id, after.id, after.addresses, session)

    async def _associate(
        self,
        account_id: UUID,
        id_: UUID,
        associations: Sequence[Association],
        session: Session,
        known: Collection[RecordRef] = (),
    ) -> None:
        """An association belongs to both records: who edits the other one meanwhile is told."""
        own = RecordRef(record_type=self.type, record_id=id_)
        for one in associations:
            await self._all.associations.add(account_id, own, one.ref, session, primary=one.primary)
            if one.ref not in known:
                await self._all.of(one.record_type).touch(account_id, one.record_id, session)

    async def _in_transaction(self, body: Any) -> None:
        try:
            await self._database.in_transaction(body)
        except AlreadyThere:
            raise Problem(ADDRESS_TAKEN, "Find the contact by this address and edit it instead.") from None
        self._reviews.wake()


def eligibility_changed(before: Record | None, after: Record | None) -> tuple[UUID, ...]:
    """The contact, if it has a legal basis now and had none, or the reverse. None: it is not there."""
    contacts = [one for one in (before, after) if isinstance(one, Contact)]
    eligible = [isinstance(one, Contact) and one.legal_basis.kind.eligible for one in (before, after)]
    return (contacts[0].id,) if contacts and eligible[0] is not eligible[1] else ()


def check_version(record: Record, expected: Expected) -> None:
    """Problem 412 unless the record is of a version that the client expects."""
    if not fits(expected, record.version):
        raise Problem(PRECONDITION_FAILED, _READ_AGAIN)


def _dated(fields: Mapping[str, Any], before: LegalBasis, now: datetime) -> dict[str, Any]:
    """A legal basis is dated by its change."""
    if "legal_basis" not in fields:
        return dict(fields)
    asked = LegalBasis.model_validate(fields["legal_basis"])
    return {**fields, "legal_basis": rebased(before, asked, now).model_dump()}


def _history(
    before: Record | None, after: Record, by: UUID | None, now: datetime
) -> dict[UUID, LegalBasisChange]:
    if not isinstance(after, Contact):
        return {}
    old = before.legal_basis if isinstance(before, Contact) else LegalBasis()
    change = change_of(old, after.legal_basis, by, new_id(), now)
    return {} if change is None else {after.id: change}


class RecordBooks:
    """The four kinds. For a contact's page see `contact`."""

    def __init__(
        self,
        database: Database,
        records: AllRecords,
        users: Users,
        reviews: PrivacyReviews,
        clock: Clock,
    ) -> None:
        self._users = users

        def book(type_: RecordType, kind: type[AnyKind], store: Records[AnyKind]) -> RecordBook[AnyKind]:
            return RecordBook(database, records, users, (type_, kind, store), reviews, clock)

        self.contacts = book(RecordType.CONTACT, Contact, records.contacts)
        self.companies = book(RecordType.COMPANY, Company, records.companies)
        self.deals = book(RecordType.DEAL, Deal, records.deals)
        self.tickets = book(RecordType.TICKET, Ticket, records.tickets)

    def of(self, type_: RecordType) -> RecordBook[Any]:
        """One of the four."""
        books: tuple[RecordBook[Any], ...] = (self.contacts, self.companies, self.deals, self.tickets)
        return next(book for book in books if book.type is type_)

    async def contact(self, account_id: UUID, contact_id: UUID) -> ContactDetail:
        """A contact with its owner's name and all that belongs to it. Problem 404."""
        contact = await self.contacts.get(account_id, contact_id)
        owner = await self._users.get(account_id, contact.owner_id) if contact.owner_id else None
        return ContactDetail(
            contact=contact,
            owner_name=owner.name if owner else None,
            associations=await self.contacts.associations(account_id, contact_id),
        )
