"""Contacts from a CSV file: what each row would do, and what it did."""

from enum import StrEnum
from uuid import UUID

from services.crm.model.base import Model


class RowOutcome(StrEnum):
    """What becomes of a row. `SAME`: the contact is there and nothing of it would change."""

    NEW = "new"
    UPDATE = "update"
    SAME = "same"
    WRONG = "wrong"


class RowFault(StrEnum):
    """Why a row is not taken."""

    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    TWICE = "twice"
    TOO_LONG = "too_long"
    UNKNOWN_BASIS = "unknown_basis"
    UNKNOWN_OWNER = "unknown_owner"
    UNKNOWN_MARKETING = "unknown_marketing"
    CHANGED_MEANWHILE = "changed_meanwhile"


class PlannedRow(Model):
    """One row. `line`: where it stands in the file, from 1; `changes`: the fields that it would write;
    `contact_id`: the contact that has the address."""

    line: int
    name: str
    address: str
    outcome: RowOutcome
    changes: tuple[str, ...] = ()
    fault: RowFault | None = None
    contact_id: UUID | None = None


class ImportPlan(Model):
    """What an upload would do. `unknown_columns` are not read; `rows`: of the part that was asked for."""

    id: UUID
    total: int
    counts: dict[RowOutcome, int]
    columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    rows: tuple[PlannedRow, ...]


class ImportProgress(Model):
    """How far an import is. `next`: the row to go on with; None at the end. Counts are of this part."""

    total: int
    next: int | None
    counts: dict[RowOutcome, int]
    wrong: tuple[PlannedRow, ...]
