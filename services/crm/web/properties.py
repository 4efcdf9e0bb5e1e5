"""The properties of a record as rows of a page: a text of the catalogue, and the value."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from babel.numbers import get_currency_precision

from services.crm.model.records import AnyRecord, Company, Contact, Deal, Ticket
from services.crm.web.words import LEGAL_BASES, gettext

Value = str | datetime | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """`translate`: the value is a text of the catalogue, too. `note` stands behind it."""

    label: str
    value: Value
    translate: bool = False
    note: str | datetime | None = None


def properties(record: AnyRecord, owner: str | None) -> tuple[Property, ...]:
    """Of any record; what is empty is left out."""
    return tuple(one for one in _all(record, owner) if one.value)


def _all(record: AnyRecord, owner: str | None) -> Iterator[Property]:
    if isinstance(record, Contact):
        yield from _contact(record)
    elif isinstance(record, Company):
        yield Property(gettext("Domain"), record.domain)
    elif isinstance(record, Deal):
        yield Property(gettext("Stage"), record.stage)
        yield Property(gettext("Amount"), amount(record))
        yield _open(record)
    else:
        yield Property(gettext("Status"), record.status)
        yield _open(record)
    yield Property(gettext("Owner"), owner or gettext("Nobody"), translate=not owner)
    yield Property(gettext("Created"), record.created_at)


def _contact(contact: Contact) -> Iterator[Property]:
    yield Property(gettext("E-mail"), contact.addresses)
    yield Property(gettext("Job title"), contact.job_title)
    yield Property(gettext("Phone"), contact.phone)
    basis = contact.legal_basis
    yield Property(
        gettext("Legal basis for processing"), LEGAL_BASES[basis.kind], translate=True, note=basis.since
    )
    if contact.marketing is not None:
        marketing = gettext("Marketing contact") if contact.marketing else gettext("Non-marketing contact")
        yield Property(gettext("Marketing status"), marketing, translate=True)


def _open(record: Deal | Ticket) -> Property:
    return Property(gettext("State"), gettext("Open (deal)") if record.open else gettext("Closed"), True)


def amount(deal: Deal) -> str:
    """The amount with its currency; the model counts in the currency's smallest unit."""
    if deal.amount is None:
        return ""
    digits = get_currency_precision(deal.currency) if deal.currency else 2
    return f"{deal.amount / 10**digits:,.{digits}f} {deal.currency}".strip()
