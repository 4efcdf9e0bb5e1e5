"""Which records a mail is offered to be logged on (L4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from uuid import UUID

from services.crm.model.compose import OfferedRecord
from services.crm.model.records import Company, Contact, Deal, Record, Ticket
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType

MAX_RECORDS = 200  # as many as a mail may be logged on
_DEALS = 5  # of a contact, the newest


@dataclass(frozen=True, slots=True)
class Belonging:
    """What belongs to contacts: references by contact (with whether it is the primary one), and records."""

    of_contact: Mapping[UUID, Sequence[tuple[RecordRef, bool]]]
    companies: Mapping[UUID, Company]
    deals: Mapping[UUID, Deal]
    tickets: Mapping[UUID, Ticket]


def offered(contacts: Sequence[Contact], belonging: Belonging) -> tuple[OfferedRecord, ...]:
    """Contacts, their primary companies, their newest open deals, their open tickets; each once."""
    rows = chain(
        (_row(RecordType.CONTACT, one, one.addresses) for one in contacts),
        (_row(RecordType.COMPANY, one) for to in contacts for one in _companies(to, belonging)),
        (_row(RecordType.DEAL, one) for to in contacts for one in _deals(to, belonging)),
        (_row(RecordType.TICKET, one) for to in contacts for one in _tickets(to, belonging)),
    )
    return tuple(islice({row.record_id: row for row in rows}.values(), MAX_RECORDS))


def _companies(contact: Contact, belonging: Belonging) -> Iterable[Company]:
    for ref, primary in belonging.of_contact.get(contact.id, ()):
        if primary and ref.record_id in belonging.companies:
            yield belonging.companies[ref.record_id]


def _deals(contact: Contact, belonging: Belonging) -> Sequence[Deal]:
    refs = belonging.of_contact.get(contact.id, ())
    found = [belonging.deals[ref.record_id] for ref, _ in refs if ref.record_id in belonging.deals]
    return _newest([deal for deal in found if deal.open])[:_DEALS]


def _tickets(contact: Contact, belonging: Belonging) -> Sequence[Ticket]:
    refs = belonging.of_contact.get(contact.id, ())
    found = [belonging.tickets[ref.record_id] for ref, _ in refs if ref.record_id in belonging.tickets]
    return _newest([ticket for ticket in found if ticket.open])


def _newest(records: list) -> list:  # type: ignore[type-arg]
    return sorted(records, key=lambda one: (one.created_at, one.id), reverse=True)


def _row(type_: RecordType, record: Record, addresses: tuple[str, ...] = ()) -> OfferedRecord:
    return OfferedRecord(record_type=type_, record_id=record.id, name=record.name, addresses=addresses)
