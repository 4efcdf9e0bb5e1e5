"""Forms of records: their fields as texts, and back."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from babel.numbers import get_currency_precision
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import FormData

from services.crm.api.companies import CompanyPatch, NewCompany
from services.crm.api.contacts import ContactPatch, NewContact
from services.crm.api.deals import DealPatch, NewDeal
from services.crm.api.record_routes import read_body
from services.crm.api.tickets import NewTicket, TicketPatch
from services.crm.model.records import AnyRecord, Association, Contact, Deal
from services.crm.web.words import gettext
from shared.events.log_decisions import RecordType

Values = dict[str, str]  # by field; "associations": one line each
Faults = dict[str, str]  # by field, "" for the whole: texts of the catalogue
ASSOCIATIONS = "associations"
_AMOUNT = re.compile(r"[0-9][0-9,]{0,19}(\.[0-9]{1,4})?", re.ASCII)
_VALUES = TypeAdapter(dict[str, str])


class InvalidForm(ValueError):
    """What was typed can't be saved. `faults`: why, by field."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its label, and how it is typed."""

    name: str
    label: str
    widget: Literal["text", "lines", "number", "check", "owner", "basis"] = "text"
    required: bool = False


_NAME = Field("name", gettext("Name"), required=True)
_OWNER = Field("owner_id", gettext("Owner"), "owner")
_OPEN = Field("open", gettext("Open (deal)"), "check")
FIELDS: dict[RecordType, tuple[Field, ...]] = {
    RecordType.CONTACT: (
        _NAME,
        Field("addresses", gettext("E-mail addresses, one a line, the main one first"), "lines"),
        Field("job_title", gettext("Job title")),
        Field("phone", gettext("Phone")),
        _OWNER,
        Field("legal_basis", gettext("Legal basis for processing"), "basis"),
        Field("legal_basis_source", gettext("Source of the legal basis")),
        Field("marketing", gettext("Marketing contact"), "check"),
    ),
    RecordType.COMPANY: (_NAME, Field("domain", gettext("Domain")), _OWNER),
    RecordType.DEAL: (
        _NAME,
        Field("stage", gettext("Stage")),
        Field("amount", gettext("Amount"), "number"),
        Field("currency", gettext("Currency")),
        _OPEN,
        _OWNER,
    ),
    RecordType.TICKET: (_NAME, Field("status", gettext("Status")), _OPEN, _OWNER),
}
_BODIES: dict[RecordType, tuple[type[BaseModel], type[BaseModel]]] = {
    RecordType.CONTACT: (NewContact, ContactPatch),
    RecordType.COMPANY: (NewCompany, CompanyPatch),
    RecordType.DEAL: (NewDeal, DealPatch),
    RecordType.TICKET: (NewTicket, TicketPatch),
}
_TOGETHER = ({"amount", "currency"}, {"legal_basis", "legal_basis_source"})
_FAULTS: Faults = {
    "name": gettext("Give it a name, of at most 256 characters."),
    "addresses": gettext("One of these lines is no e-mail address."),
    "amount": gettext("This is no amount. Write it like 1234.50."),
    "currency": gettext("Write the currency as three capital letters, like JPY."),
    "owner_id": gettext("Choose an owner from the list."),
    ASSOCIATIONS: gettext("One of the associated records does not exist any more."),
}
_TOO_LONG = gettext("This is too long.")


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it was sent. `was`: the values that it was filled with; `names`: of associated records."""

    values: Values
    was: Values
    version: int
    names: dict[str, str]


def values_of(type_: RecordType, record: AnyRecord, associations: Iterable[Association]) -> Values:
    """The values of a record as its form shows them."""
    fields = record.model_dump()
    values = {name: "" if value is None else str(value) for name, value in fields.items()}
    values["open"] = "1" if fields.get("open") else ""
    if isinstance(record, Contact):
        values["addresses"] = "\n".join(record.addresses)
        values["marketing"] = "1" if record.marketing else ""
        values["legal_basis"] = record.legal_basis.kind.value
        values["legal_basis_source"] = record.legal_basis.source
    if isinstance(record, Deal):
        values["amount"] = _amount_text(record)
    names = [field.name for field in FIELDS[type_]]
    lines = (_line(one.record_type, one.record_id, primary=one.primary) for one in associations)
    return {name: values[name] for name in names} | {ASSOCIATIONS: "\n".join(sorted(lines))}


def empty_values(type_: RecordType) -> Values:
    """The values of the form of a new record."""
    starts = {"open": "1", "stage": "new", "status": "new", "legal_basis": "none"}
    return {field.name: starts.get(field.name, "") for field in FIELDS[type_]} | {ASSOCIATIONS: ""}


def typed_values(type_: RecordType, form: FormData) -> Typed:
    """What was sent. InvalidForm when it can't be one of our forms."""
    values = {field.name: _text(form, field.name) for field in FIELDS[type_]}
    chosen = [str(one).split(":", 2) for one in form.getlist("association")]
    primary = {str(one) for one in form.getlist("primary")}
    if any(len(one) != 3 for one in chosen):
        raise InvalidForm({ASSOCIATIONS: _FAULTS[ASSOCIATIONS]})
    lines = {f"{kind}:{id_}:{'primary' if id_ in primary else ''}" for kind, id_, _ in chosen}
    values[ASSOCIATIONS] = "\n".join(sorted(lines))
    try:
        was = _VALUES.validate_json(_text(form, "was") or "{}")
    except ValidationError:
        raise InvalidForm({"": _TOO_LONG}) from None
    version = _text(form, "version")
    return Typed(
        values=values,
        was=was,
        version=int(version) if version.isdecimal() and len(version) < 18 else 0,
        names={f"{kind}:{id_}": name for kind, id_, name in chosen},
    )


def read(
    type_: RecordType, values: Values, changed: set[str], *, new: bool
) -> tuple[dict[str, Any], list[Association] | None]:
    """The fields to write of those that changed, and the associations if they did. InvalidForm."""
    wanted = set(changed)
    for names in _TOGETHER:
        if names & wanted:
            wanted |= names & set(values)
    faults: Faults = {}
    fields: dict[str, Any] = {}
    for name in wanted:
        try:
            fields.update(_field(name, values))
        except ValueError:
            faults[name] = _FAULTS.get(name, _TOO_LONG)
    if faults:
        raise InvalidForm(faults)
    try:
        return read_body(_BODIES[type_][0 if new else 1].model_validate(fields))
    except ValidationError as error:
        wrong = [str(fault["loc"][0]) for fault in error.errors()]
        raise InvalidForm({name: _FAULTS.get(name, _TOO_LONG) for name in wrong}) from None


def chosen(values: Values, names: Mapping[str, str]) -> list[Association]:
    """The associations that the values name, by their names where these are known."""
    found = []
    for line in values[ASSOCIATIONS].splitlines():
        try:
            type_, id_, primary = line.split(":")
            kind, key = RecordType(type_), UUID(id_)
        except ValueError:
            continue
        name = names.get(f"{type_}:{id_}", "")
        found.append(Association(record_type=kind, record_id=key, name=name, primary=bool(primary)))
    return found


def as_json(values: Values) -> str:
    """For the form's hidden field."""
    return json.dumps(values, ensure_ascii=False)


def _field(name: str, values: Values) -> dict[str, Any]:
    value = values[name]
    if name == "addresses":
        return {name: [line.strip() for line in value.splitlines() if line.strip()]}
    if name == "owner_id":
        return {name: UUID(value) if value else None}
    if name in {"marketing", "open"}:
        return {name: bool(value)}
    if name == "amount":
        return {name: _amount(value, values["currency"])}
    if name == "legal_basis":
        return {name: {"kind": value or "none", "source": values["legal_basis_source"]}}
    if name == "legal_basis_source":
        return {}
    if name == ASSOCIATIONS:
        kinds = ("record_type", "record_id")
        lines = (line.split(":") for line in value.splitlines())
        return {
            name: [
                {**dict(zip(kinds, (type_, UUID(id_)), strict=True)), "primary": bool(primary)}
                for type_, id_, primary in lines
            ]
        }
    return {name: value}


def _amount(text: str, currency: str) -> int | None:
    if not text:
        return None
    if _AMOUNT.fullmatch(text) is None:
        raise ValueError(text)
    amount = Decimal(text.replace(",", "")).scaleb(_digits(currency))
    if amount != amount.to_integral_value():
        raise ValueError(text)
    return int(amount)


def _amount_text(deal: Deal) -> str:
    return "" if deal.amount is None else f"{Decimal(deal.amount).scaleb(-_digits(deal.currency)):f}"


def _digits(currency: str) -> int:
    return get_currency_precision(currency) if currency else 2


def _line(type_: RecordType, id_: UUID, *, primary: bool) -> str:
    return f"{type_.value}:{id_}:{'primary' if primary else ''}"


def _text(form: FormData, name: str) -> str:
    found = form.get(name)
    return found.strip().replace("\r\n", "\n") if isinstance(found, str) else ""
