"""Contacts, companies, deals, tickets (R1): list, search, create, read, edit, associate."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.model.base import Page
from services.crm.model.failures import AlreadyThere
from services.crm.model.records import Association, Company, Contact, ContactDetail, Deal, Record, Ticket
from services.crm.problems import ADDRESS_TAKEN, CHANGED_MEANWHILE, NO_SUCH_RECORD
from services.crm.store.accounts import Users
from services.crm.store.database import Database, Session
from services.crm.store.records import AllRecords, Records
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.problems import NOT_FOUND, Problem

AnyKind = TypeVar("AnyKind", bound=Record)


class RecordBook(Generic[AnyKind]):
    """Records of one kind. `fields` are those of the kind that a client may set."""

    def __init__(
        self,
        database: Database,
        records: AllRecords,
        users: Users,
        kind: tuple[RecordType, type[AnyKind], Records[AnyKind]],
        clock: Clock,
    ) -> None:
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
    ) -> AnyKind:
        """A new record. Problem 409 (address taken), 422 (an owner or association that is not there)."""
        now = self._clock()
        record = self._kind.model_validate(
            {**_dated(fields, now), "id": id_ or new_id(), "created_at": now, "updated_at": now}
        )
        await self._check(account_id, record, associations)

        async def body(session: Session) -> None:
            await self._records.add(account_id, record, session)
            await self._claim(account_id, None, record, session)
            await self._associate(account_id, record.id, associations, session)

        await self._in_transaction(body)
        return record

    async def edit(
        self,
        account_id: UUID,
        id_: UUID,
        fields: Mapping[str, Any],
        associations: Sequence[Association] | None = None,
    ) -> AnyKind:
        """Change the given fields; `associations` replace all there were. Problem 404, 409, 422."""
        before = await self.get(account_id, id_)
        now = self._clock()
        changed = {**_dated(fields, now), "version": before.version + 1, "updated_at": now}
        record = self._kind.model_validate({**before.model_dump(), **changed})
        await self._check(account_id, record, associations or ())
        held = await self._held(account_id, id_) if associations is not None else []

        async def body(session: Session) -> None:
            if not await self._records.replace(account_id, record, before.version, session):
                raise Problem(CHANGED_MEANWHILE, "Read the record again, then repeat the change.")
            await self._claim(account_id, before, record, session)
            for ref in held:
                own = RecordRef(record_type=self.type, record_id=id_)
                await self._all.associations.remove(account_id, own, ref, session)
            await self._associate(account_id, id_, associations or (), session)

        await self._in_transaction(body)
        return record

    async def _held(self, account_id: UUID, id_: UUID) -> list[RecordRef]:
        own = RecordRef(record_type=self.type, record_id=id_)
        return [ref for ref, _ in await self._all.associations.of(account_id, own)]

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
        self, account_id: UUID, id_: UUID, associations: Sequence[Association], session: Session
    ) -> None:
        own = RecordRef(record_type=self.type, record_id=id_)
        for one in associations:
            await self._all.associations.add(account_id, own, one.ref, session, primary=one.primary)

    async def _in_transaction(self, body: Any) -> None:
        try:
            await self._database.in_transaction(body)
        except AlreadyThere:
            raise Problem(ADDRESS_TAKEN, "Find the contact by this address and edit it instead.") from None


def _dated(fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A legal basis is dated by its change."""
    basis = fields.get("legal_basis")
    return {**fields, "legal_basis": {**basis, "since": now}} if basis else dict(fields)


class RecordBooks:
    """The four kinds. For a contact's page see `contact`."""

    def __init__(self, database: Database, records: AllRecords, users: Users, clock: Clock) -> None:
        self._users = users
        self.contacts = RecordBook(
            database, records, users, (RecordType.CONTACT, Contact, records.contacts), clock
        )
        self.companies = RecordBook(
            database, records, users, (RecordType.COMPANY, Company, records.companies), clock
        )
        self.deals = RecordBook(database, records, users, (RecordType.DEAL, Deal, records.deals), clock)
        self.tickets = RecordBook(
            database, records, users, (RecordType.TICKET, Ticket, records.tickets), clock
        )

    async def contact(self, account_id: UUID, contact_id: UUID) -> ContactDetail:
        """A contact with its owner's name and all that belongs to it. Problem 404."""
        contact = await self.contacts.get(account_id, contact_id)
        owner = await self._users.get(account_id, contact.owner_id) if contact.owner_id else None
        return ContactDetail(
            contact=contact,
            owner_name=owner.name if owner else None,
            associations=await self.contacts.associations(account_id, contact_id),
        )
