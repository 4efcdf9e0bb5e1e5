"""Contacts as CSV: what a row does, and that no spreadsheet runs what comes out (R1, P4)."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.model.imports import RowFault, RowOutcome
from services.crm.model.records import Contact, LegalBasis, LegalBasisKind
from services.crm.rules.contact_csv import (
    COLUMNS,
    MAX_ROWS,
    NotReadable,
    Sheet,
    defused,
    line_of,
    read_sheet,
    step,
    written,
)
from shared.events.ids import new_id
from tests.unit.crm.made import REP, T0

pytestmark = pytest.mark.requirement("R1")
OWNERS = {"rep@kaifu.example": REP}


def sheet(*lines: str, encoding: str = "utf-8") -> Sheet:
    return read_sheet("\r\n".join(lines).encode(encoding))


def person(**more: object) -> Contact:
    fields = {"id": new_id(), "name": "Aiko", "addresses": ("aiko@x.example",), "created_at": T0}
    return Contact.model_validate({**fields, "updated_at": T0, **more})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_known_by_their_names_in_either_language(encoding: str, delimiter: str) -> None:
    head = delimiter.join(("氏名", "メールアドレス", "役職", "趣味"))
    line = delimiter.join(("髙橋 花子", "hanako@x.example", "部長", "山"))
    found = sheet(head, line, encoding=encoding)
    assert found.columns == ("name", "address", "job_title")
    assert found.unknown_columns == ("趣味",)
    assert found.rows[0].cells["name"] == "髙橋 花子"


@pytest.mark.parametrize("names", COLUMNS.values(), ids=COLUMNS)
def test_every_name_of_a_column_is_found_whatever_its_case_and_width(names: tuple[str, ...]) -> None:
    for name in names:
        wide = name.upper().replace(" ", "\u3000")
        address = "email," if names is not COLUMNS["address"] else ""
        assert not sheet(f"{address}{wide}", "a@x.example,b").unknown_columns


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b" , ,\r\n,\t,\r\n", "empty"),
        (b"name\nAiko", "columns"),
        (b'email\n"a@x.example', "csv"),
        (b"email\n\x81\x20", "encoding"),
        (b"email\n" + b"a\n" * (MAX_ROWS + 1), "rows"),
    ],
)
def test_a_file_that_is_no_table_of_contacts_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(NotReadable, match=reason):
        read_sheet(content)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", ["", "  ", ";;", " ; \t;"])
def test_empty_lines_are_no_rows_wherever_they_stand(end: str, blank: str) -> None:
    """Before the names of the columns, between rows and behind them; rows keep their numbers."""
    lines = (
        blank,
        blank,
        "email;name;phone",
        blank,
        "a@x.example;Aiko;1",
        blank,
        blank,
        "b@x.example;Ben",
        blank,
    )
    found = read_sheet(end.join(lines).encode())
    assert found.columns == ("address", "name", "phone")
    assert [(row.line, row.cells["name"]) for row in found.rows] == [(5, "Aiko"), (8, "Ben")]


@pytest.mark.parametrize("rest", ["", "\n", "\r\n", "\n\n , \n"])
def test_a_file_of_the_columns_names_alone_has_no_rows(rest: str) -> None:
    """It is a table all the same."""
    found = read_sheet(f"email,name{rest}".encode())
    assert (found.columns, found.rows) == (("address", "name"), ())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",,,", RowFault.NO_ADDRESS),
        ("no address,,,", RowFault.BAD_ADDRESS),
        ("a@b@c.example,,,", RowFault.BAD_ADDRESS),
        ("b@x.example,because,,", RowFault.UNKNOWN_BASIS),
        ("b@x.example,,perhaps,", RowFault.UNKNOWN_MARKETING),
        ("b@x.example,,,nobody@kaifu.example", RowFault.UNKNOWN_OWNER),
        (f"b@x.example,{'x' * 257},,", RowFault.TOO_LONG),
        ("AIKO@x.example,,,", RowFault.TWICE),
    ],
)
def test_a_wrong_row_says_why_and_writes_nothing(line: str, fault: RowFault) -> None:
    """Whitespace makes a row that is there; an address counts once, whatever its case."""
    rows = sheet("name,email,legal basis,marketing,owner", "A,Aiko@x.example,,,", f"B,{line}").rows
    found = step(rows[1], None, OWNERS)
    assert (found.planned.outcome, found.planned.fault) == (RowOutcome.WRONG, fault)
    assert not found.fields
    assert found.planned.line == 3


def test_a_new_row_makes_a_contact_with_what_its_cells_say() -> None:
    row = sheet("email,name,owner,marketing", "New@x.example,,REP@kaifu.example,はい").rows[0]
    found = step(row, None, OWNERS)
    assert found.planned.outcome is RowOutcome.NEW
    assert found.fields == {
        "name": "New@x.example",
        "addresses": ["New@x.example"],
        "owner_id": REP,
        "marketing": True,
    }


def test_an_empty_cell_erases_nothing_and_the_same_again_changes_nothing() -> None:
    known = person(job_title="Buyer", phone="1")
    row = sheet("email,name,job title,phone", "aiko@x.example,Aiko,,2").rows[0]
    first = step(row, known, OWNERS)
    assert (first.planned.outcome, dict(first.fields)) == (RowOutcome.UPDATE, {"phone": "2"})
    after = known.model_copy(update=dict(first.fields))
    assert step(row, after, OWNERS).planned.outcome is RowOutcome.SAME


@pytest.mark.requirement("P4")
def test_a_legal_basis_is_set_by_its_column_alone() -> None:
    """Without one, a known contact keeps its own and a new one has none."""
    known = person(legal_basis=LegalBasis(kind=LegalBasisKind.FREELY_GIVEN_CONSENT))
    silent = sheet("email,name", "aiko@x.example,Other").rows[0]
    assert "legal_basis" not in step(silent, known, OWNERS).fields
    assert "legal_basis" not in step(silent, None, OWNERS).fields
    empty = sheet("email,法的根拠", "aiko@x.example,").rows[0]
    assert "legal_basis" not in step(empty, known, OWNERS).fields
    said = sheet("email,法的根拠", "aiko@x.example,契約の履行").rows[0]
    assert step(said, known, OWNERS).fields["legal_basis"]["kind"] == "performance_of_contract"


@pytest.mark.parametrize("kind", LegalBasisKind)
def test_what_goes_out_comes_in_again_unchanged(kind: LegalBasisKind) -> None:
    known = person(
        name="=Aiko", phone="+81 3", owner_id=REP, marketing=True, legal_basis=LegalBasis(kind=kind)
    )
    names = [names[0] for names in COLUMNS.values()]
    text = written([names, line_of(known, {REP: "rep@kaifu.example"})])
    row = read_sheet(text.encode("utf-8-sig")).rows[0]
    assert step(row, known, OWNERS).planned.outcome is RowOutcome.SAME


@pytest.mark.requirement("L6")
@pytest.mark.parametrize(("marketing", "cell"), [(None, ""), (False, "no"), (True, "yes")])
def test_a_contact_without_marketing_status_goes_out_and_comes_in_without_one(
    marketing: bool | None, cell: str
) -> None:
    known = person(name="Aiko", marketing=marketing)
    names = [names[0] for names in COLUMNS.values()]
    line = line_of(known, {})
    assert line[names.index("marketing")] == cell
    row = read_sheet(written([names, line]).encode()).rows[0]
    assert step(row, known, OWNERS).planned.outcome is RowOutcome.SAME


@given(st.text())
def test_no_cell_that_goes_out_begins_a_formula(cell: str) -> None:
    assert not defused(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_a_formula_is_quoted(cell: str) -> None:
    text = written([[cell, "plain"]])
    assert next(csv.reader(io.StringIO(text, newline=""))) == [f"'{cell}", "plain"]
