"""Contacts as CSV: read by the names of its columns, in English or Japanese, and written so that no
spreadsheet runs a cell."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from services.crm.model.imports import PlannedRow, RowFault, RowOutcome
from services.crm.model.records import Contact, LegalBasisKind
from services.crm.rules.addresses import LONGEST, PATTERN, fold

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
_MAX_TEXT = 256
_BLANK = " ,;\t\r\n"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "full name", "contact", "氏名", "名前", "お名前"),
    "address": ("email", "e-mail", "mail", "email address", "e-mail address", "メールアドレス", "メール"),
    "job_title": ("job title", "title", "役職"),
    "phone": ("phone", "phone number", "telephone", "tel", "電話番号", "電話"),
    "owner": ("owner", "owner email", "担当者", "担当者のメールアドレス"),
    "marketing": ("marketing", "marketing contact", "マーケティング", "マーケティング対象"),
    "legal_basis": ("legal basis", "legal basis for processing", "法的根拠", "処理の法的根拠"),
    "legal_basis_source": ("legal basis source", "source of the legal basis", "法的根拠の出所"),
}
_FIELD_OF = {name: field for field, names in COLUMNS.items() for name in names}
_YES_NO = {
    **dict.fromkeys(("yes", "true", "1", "はい", "○", "対象"), True),
    **dict.fromkeys(("no", "false", "0", "いいえ", "×", "対象外"), False),
}


class NotReadable(ValueError):
    """The file is no such CSV; the message is one of `encoding`, `csv`, `columns`, `empty`, `rows`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row by its fields; `twice`: an earlier row has the address."""

    line: int
    cells: Mapping[str, str]
    twice: bool = False

    @property
    def address(self) -> str:
        """The address as it is written."""
        return self.cells.get("address", "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read: its known columns by field, the names of the others, its rows."""

    columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What a row does: the fields of a contact to write, and how it is told."""

    planned: PlannedRow
    fields: Mapping[str, Any]


def decoded(content: bytes) -> str:
    """UTF-8 with or without byte order mark, else the Shift_JIS of Windows. NotReadable."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotReadable("encoding")


def read_sheet(content: bytes) -> Sheet:
    """The rows of a file. NotReadable."""
    text = decoded(content)
    head = next((line for line in io.StringIO(text) if line.strip(_BLANK)), "")
    delimiter = max(",;\t", key=head.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = list(islice(reader, MAX_ROWS + 2))  # one more than there may be: an empty line is a list too
    except csv.Error:
        raise NotReadable("csv") from None
    if len(lines) - 1 > MAX_ROWS:
        raise NotReadable("rows")
    first = next((number for number, cells in enumerate(lines) if _any(cells)), None)
    if first is None:
        raise NotReadable("empty")
    names = lines[first]
    fields = [_FIELD_OF.get(_folded(name)) for name in names]
    if "address" not in fields:
        raise NotReadable("columns")
    unknown = tuple(name for name, field in zip(names, fields, strict=True) if field is None and name)
    return Sheet(tuple(field for field in fields if field), unknown, tuple(_rows(fields, lines, first + 1)))


def _any(cells: Iterable[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _rows(fields: list[str | None], lines: Sequence[list[str]], start: int) -> Iterable[Row]:
    """Of the lines from `start` on; people count them from 1."""
    seen: set[str] = set()
    for line, cells in enumerate(lines[start:], start=start + 1):
        if not _any(cells):
            continue
        known: dict[str, str] = {}
        for field, cell in zip(fields, cells, strict=False):
            if field is not None and field not in known:
                known[field] = _undefused(cell.strip())
        address = fold(known.get("address", ""))
        yield Row(line, known, twice=bool(address) and address in seen)
        seen.add(address)


def step(row: Row, known: Contact | None, owners: Mapping[str, UUID]) -> Step:
    """What the row does, given the contact that has its address (if any) and the users by address.

    An empty cell changes nothing; a legal basis is only set by a column that says so.
    """
    name = row.cells.get("name", "") or (known.name if known else row.address)
    told: dict[str, Any] = {"line": row.line, "name": name, "address": row.address}
    try:
        wanted = _wanted(row, owners)
    except _Wrong as wrong:
        return Step(PlannedRow(**told, outcome=RowOutcome.WRONG, fault=wrong.fault), {})
    if known is None:
        fields = {"name": name, "addresses": [row.address], **wanted}
        return Step(PlannedRow(**told, outcome=RowOutcome.NEW, changes=tuple(wanted)), fields)
    told["contact_id"] = known.id
    changed = {field: value for field, value in wanted.items() if _differs(known, field, value)}
    outcome = RowOutcome.UPDATE if changed else RowOutcome.SAME
    return Step(PlannedRow(**told, outcome=outcome, changes=tuple(changed)), changed)


class _Wrong(Exception):
    def __init__(self, fault: RowFault) -> None:
        super().__init__(fault)
        self.fault = fault


def _wanted(row: Row, owners: Mapping[str, UUID]) -> dict[str, Any]:
    cells = {field: cell for field, cell in row.cells.items() if cell}
    if not row.address:
        raise _Wrong(RowFault.NO_ADDRESS)
    if len(row.address) > LONGEST or re.fullmatch(PATTERN, row.address) is None:
        raise _Wrong(RowFault.BAD_ADDRESS)
    if row.twice:
        raise _Wrong(RowFault.TWICE)
    if any(len(cell) > _MAX_TEXT for field, cell in cells.items() if field != "address"):
        raise _Wrong(RowFault.TOO_LONG)
    texts = ("name", "job_title", "phone")
    wanted: dict[str, Any] = {field: cells[field] for field in texts if field in cells}
    if "owner" in cells:
        wanted["owner_id"] = _found(owners, fold(cells["owner"]), RowFault.UNKNOWN_OWNER)
    if "marketing" in cells:
        wanted["marketing"] = _found(_YES_NO, _folded(cells["marketing"]), RowFault.UNKNOWN_MARKETING)
    if "legal_basis" in cells:
        kind = _found(_BASES, _folded(cells["legal_basis"]), RowFault.UNKNOWN_BASIS)
        wanted["legal_basis"] = {"kind": kind, "source": cells.get("legal_basis_source", "CSV")}
    return wanted


def _found(known: Mapping[str, Any], cell: str, fault: RowFault) -> Any:
    if cell not in known:
        raise _Wrong(fault)
    return known[cell]


def _differs(contact: Contact, field: str, value: Any) -> bool:
    if field == "legal_basis":
        return bool(contact.legal_basis.kind is not value["kind"])
    return bool(getattr(contact, field) != value)


def _folded(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFKC", text).casefold().replace("_", " ").replace("–", "-").split()
    )


def defused(cell: str) -> str:
    """The cell as a spreadsheet shows it instead of running it: what begins a formula is quoted."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _undefused(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def written(lines: Iterable[Iterable[str]]) -> str:
    """Lines of CSV, each cell defused."""
    text = io.StringIO()
    csv.writer(text).writerows([defused(cell) for cell in line] for line in lines)
    return text.getvalue()


def line_of(contact: Contact, owners: Mapping[UUID, str]) -> tuple[str, ...]:
    """A contact in the order of COLUMNS; `owners`: users' addresses."""
    basis = contact.legal_basis
    return (
        contact.name,
        contact.addresses[0] if contact.addresses else "",
        contact.job_title,
        contact.phone,
        owners.get(contact.owner_id, "") if contact.owner_id else "",
        "" if contact.marketing is None else "yes" if contact.marketing else "no",
        basis.kind.value,
        basis.source,
    )


_BASES = {
    _folded(text): kind
    for kind, texts in {
        LegalBasisKind.NONE: ("none", "なし"),
        LegalBasisKind.LEGITIMATE_INTEREST_PROSPECT: (
            "Legitimate interest – prospect or lead",
            "正当な利益 – 見込み客・リード",
        ),
        LegalBasisKind.LEGITIMATE_INTEREST_CUSTOMER: (
            "Legitimate interest – existing customer",
            "正当な利益 – 既存顧客",
        ),
        LegalBasisKind.LEGITIMATE_INTEREST_OTHER: ("Legitimate interest – other", "正当な利益 – その他"),
        LegalBasisKind.PERFORMANCE_OF_CONTRACT: ("Performance of a contract", "契約の履行"),
        LegalBasisKind.FREELY_GIVEN_CONSENT: ("Freely given consent", "自由意思による同意"),
        LegalBasisKind.NOT_APPLICABLE: ("Not applicable", "該当なし"),
    }.items()
    for text in (kind.value, *texts)
}
