"""Contacts, companies, deals, tickets, and their associations."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Page
from services.crm.model.records import Association, Company, Contact, Deal, Record, Ticket
from services.crm.rules.addresses import fold
from services.crm.rules.places import cursor, place
from services.crm.store.database import AccountDocuments, Database, Document, Session
from services.crm.store.documents import document, value
from services.crm.store.legal_bases import LegalBasisHistory
from shared.directory.contract import RecordRef
from shared.events.ids import derived_id, new_id
from shared.events.log_decisions import RecordType

AnyKind = TypeVar("AnyKind", bound=Record)
_LONGEST_WORD = 64
_LAST = "\U0010ffff"  # sorts behind every text


def searchable(text: str) -> list[str]:
    """The words of a text, folded. Japanese has no spaces: there each rest of a word counts as one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    found: dict[str, None] = {}
    for word in folded.replace("@", " @ ").replace(".", " . ").split():
        rests = range(1 if word.isascii() else min(len(word), _LONGEST_WORD))
        found.update(dict.fromkeys(word[start : start + _LONGEST_WORD] for start in rests))
    found.update(dict.fromkeys(whole[:_LONGEST_WORD] for whole in folded.split()))
    return [word for word in found if word not in {"@", "."}]


class Records(Generic[AnyKind]):
    """Records of one kind."""

    def __init__(self, database: Database, kind: type[AnyKind], name: str) -> None:
        self._kind = kind
        newest = IndexModel([("account_id", 1), ("place", -1)])
        words = IndexModel([("account_id", 1), ("words", 1)])
        owned = IndexModel([("account_id", 1), ("owner_id", 1)])
        self._records = AccountDocuments(database, name, [newest, words, owned])

    async def get(self, account_id: UUID, id_: UUID, session: Session | None = None) -> AnyKind | None:
        """One record."""
        found = await self._records.get(account_id, id_, session)
        return None if found is None else value(self._kind, found)

    async def some(
        self, account_id: UUID, ids: Collection[UUID], session: Session | None = None
    ) -> dict[UUID, AnyKind]:
        """Those of the ids that exist."""
        if not ids:
            return {}
        found = await self._records.find(account_id, {"_id": {"$in": list(ids)}}, session=session)
        return {record["_id"]: value(self._kind, record) for record in found}

    async def page(self, account_id: UUID, query: str, after: str | None, limit: int) -> Page[AnyKind]:
        """Newest first; with a query, those where each of its words begins one of the record's."""
        where: dict[str, Any] = {}
        if after is not None:
            where["place"] = {"$lt": after}
        words = unicodedata.normalize("NFKC", query).casefold().split()[:8]
        if words:
            where["$and"] = [{"words": {"$elemMatch": {"$gte": word, "$lt": word + _LAST}}} for word in words]
        found = await self._records.find(account_id, where, sort=("place", -1), limit=limit + 1)
        rows = tuple(value(self._kind, record) for record in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["place"]) if more else None)

    async def add(self, account_id: UUID, record: AnyKind, session: Session) -> None:
        """A new record. Raises AlreadyThere."""
        await self._records.insert(account_id, record.id, _document(record), session)

    async def touch(self, account_id: UUID, id_: UUID, session: Session) -> None:
        """What belongs to the record has changed: it is of the next version."""
        await self._records.update(account_id, id_, {"$inc": {"version": 1}}, session=session)

    async def hand_over(self, account_id: UUID, owner_id: UUID, successor_id: UUID) -> int:
        """All that one user owned is another's; how many."""
        change = {"$set": {"owner_id": successor_id}, "$inc": {"version": 1}}
        return await self._records.update_where(account_id, {"owner_id": owner_id}, change)

    def read(self, fields: Mapping[str, Any]) -> AnyKind:
        """A record of this kind from its fields."""
        return self._kind.model_validate(fields)

    async def remove(self, account_id: UUID, id_: UUID, session: Session) -> None:
        """The record is not here any more."""
        await self._records.delete_all(account_id, [id_], session)

    async def replace(self, account_id: UUID, record: AnyKind, from_version: int, session: Session) -> bool:
        """Whether the record was still of that version and is the new one now."""
        change = {"$set": _document(record)}
        where = {"version": from_version}
        return await self._records.update(account_id, record.id, change, where=where, session=session)

    async def replace_all(self, account_id: UUID, records: Iterable[AnyKind], session: Session) -> None:
        """Write records as they are now; they were read in the same transaction."""
        changes = {record.id: {"$set": _document(record)} for record in records}
        await self._records.update_all(account_id, changes, session)


def _document(record: Record) -> Document:
    texts = [getattr(record, field, "") for field in ("name", "domain", "job_title")]
    texts += getattr(record, "addresses", ())
    words = list(dict.fromkeys(word for text in texts for word in searchable(text)))
    return {**document(record), "words": words, "place": place(record.created_at, record.id)}


class ContactAddresses:
    """Which contact has an address: at most one of an account."""

    def __init__(self, database: Database) -> None:
        self._addresses = AccountDocuments(database, "contact_addresses")

    async def contacts_of(
        self, account_id: UUID, addresses: Iterable[str], session: Session | None = None
    ) -> dict[str, UUID]:
        """The contact's id by folded address, of those that are a contact's."""
        ids = {_address_id(account_id, address): fold(address) for address in addresses}
        if not ids:
            return {}
        found = await self._addresses.find(account_id, {"_id": {"$in": list(ids)}}, session=session)
        return {ids[claim["_id"]]: claim["contact_id"] for claim in found}

    async def claim(
        self, account_id: UUID, contact_id: UUID, addresses: Iterable[str], session: Session
    ) -> None:
        """Give addresses to a contact. Raises AlreadyThere if one is another contact's."""
        for address in addresses:
            id_ = _address_id(account_id, address)
            held = await self._addresses.get(account_id, id_, session)
            if held is None or held["contact_id"] != contact_id:
                await self._addresses.insert(account_id, id_, {"contact_id": contact_id}, session)

    async def release(self, account_id: UUID, addresses: Iterable[str], session: Session) -> None:
        """Take addresses away from the contact that had them."""
        ids = [_address_id(account_id, address) for address in addresses]
        await self._addresses.delete_all(account_id, ids, session)


def _address_id(account_id: UUID, address: str) -> UUID:
    return derived_id("contact-address", account_id, fold(address))


class Associations:
    """Which records belong together; stored in both directions, so that either side is one look-up."""

    def __init__(self, database: Database) -> None:
        from_record = IndexModel([("account_id", 1), ("from_type", 1), ("from_id", 1)])
        self._pairs = AccountDocuments(database, "associations", [from_record])

    async def of(self, account_id: UUID, record: RecordRef) -> list[tuple[RecordRef, bool]]:
        """What belongs to the record, and whether it is its primary one."""
        where = {"from_type": record.record_type, "from_id": record.record_id}
        found = await self._pairs.find(account_id, where)
        return [
            (RecordRef(record_type=RecordType(pair["to_type"]), record_id=pair["to_id"]), pair["primary"])
            for pair in found
        ]

    async def of_contacts(
        self, account_id: UUID, contact_ids: Iterable[UUID]
    ) -> dict[UUID, list[tuple[RecordRef, bool]]]:
        """What belongs to each of many contacts, in one look-up."""
        ids = list(contact_ids)
        belonging: dict[UUID, list[tuple[RecordRef, bool]]] = {id_: [] for id_ in ids}
        if ids:
            where = {"from_type": RecordType.CONTACT, "from_id": {"$in": ids}}
            for pair in await self._pairs.find(account_id, where):
                ref = RecordRef(record_type=RecordType(pair["to_type"]), record_id=pair["to_id"])
                belonging[pair["from_id"]].append((ref, pair["primary"]))
        return belonging

    async def add(
        self, account_id: UUID, one: RecordRef, other: RecordRef, session: Session, *, primary: bool
    ) -> None:
        """Say that two records belong together; saying it again changes nothing but `primary`."""
        pairs = {_pair_id(a, b): _pair(a, b, primary) for a, b in ((one, other), (other, one))}
        await self._pairs.put_all(account_id, pairs, session)

    async def remove(self, account_id: UUID, one: RecordRef, other: RecordRef, session: Session) -> None:
        """Say that they do not."""
        ids = [_pair_id(one, other), _pair_id(other, one)]
        await self._pairs.delete_all(account_id, ids, session)


def _pair_id(one: RecordRef, other: RecordRef) -> UUID:
    return derived_id("association", one.record_type, one.record_id, other.record_type, other.record_id)


def _pair(one: RecordRef, other: RecordRef, primary: bool) -> Mapping[str, Any]:
    return {
        "from_type": one.record_type,
        "from_id": one.record_id,
        "to_type": other.record_type,
        "to_id": other.record_id,
        "primary": primary,
    }


class AllRecords:
    """The four kinds side by side."""

    def __init__(self, database: Database) -> None:
        self.contacts = Records(database, Contact, "contacts")
        self.companies = Records(database, Company, "companies")
        self.deals = Records(database, Deal, "deals")
        self.tickets = Records(database, Ticket, "tickets")
        self.addresses = ContactAddresses(database)
        self.associations = Associations(database)
        self.legal_bases = LegalBasisHistory(database)

    async def contacts_at(self, account_id: UUID, addresses: Sequence[str]) -> list[Contact | None]:
        """The contact of each address, in their order; None where there is none."""
        ids = await self.addresses.contacts_of(account_id, addresses)
        known = await self.contacts.some(account_id, set(ids.values()))
        return [known.get(ids[fold(one)]) if fold(one) in ids else None for one in addresses]

    async def found_or_made(
        self, account_id: UUID, address: str, new: Callable[[UUID], Contact], session: Session
    ) -> UUID:
        """The contact that has the address; made (with a new id) if there is none."""
        known = await self.addresses.contacts_of(account_id, [address], session)
        if known:
            return known[fold(address)]
        contact = new(new_id())
        await self.contacts.add(account_id, contact, session)
        await self.addresses.claim(account_id, contact.id, contact.addresses, session)
        return contact.id

    async def hand_over(self, account_id: UUID, owner_id: UUID, successor_id: UUID) -> int:
        """All records of one user are another's; how many. What is done twice changes nothing more."""
        kinds: tuple[Records[Any], ...] = (self.contacts, self.companies, self.deals, self.tickets)
        return sum([await kind.hand_over(account_id, owner_id, successor_id) for kind in kinds])

    async def names(
        self, account_id: UUID, refs: Iterable[RecordRef], session: Session | None = None
    ) -> dict[RecordRef, str]:
        """The names of those that exist."""
        wanted: dict[RecordType, list[RecordRef]] = {}
        for ref in refs:
            wanted.setdefault(ref.record_type, []).append(ref)
        names: dict[RecordRef, str] = {}
        for type_, of_type in wanted.items():
            found = await self.of(type_).some(account_id, [ref.record_id for ref in of_type], session)
            names |= {ref: found[ref.record_id].name for ref in of_type if ref.record_id in found}
        return names

    async def associated(self, account_id: UUID, record: RecordRef) -> tuple[Association, ...]:
        """All that belongs to a record: by kind, primary first, then by name."""
        pairs = await self.associations.of(account_id, record)
        names = await self.names(account_id, [ref for ref, _ in pairs])
        found = [
            Association(record_type=ref.record_type, record_id=ref.record_id, name=names[ref], primary=first)
            for ref, first in pairs
            if ref in names
        ]
        return tuple(sorted(found, key=lambda one: (one.record_type, not one.primary, one.name)))

    def of(self, type_: RecordType) -> Any:
        """The records of one kind."""
        return {
            RecordType.CONTACT: self.contacts,
            RecordType.COMPANY: self.companies,
            RecordType.DEAL: self.deals,
            RecordType.TICKET: self.tickets,
        }[type_]
