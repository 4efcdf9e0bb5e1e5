"""Forms of records: texts to fields and back, and two people in one form (R1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from services.crm.model.records import Association, Company, Contact, Deal, LegalBasis, LegalBasisKind, Ticket
from services.crm.web.forms import (
    FIELDS,
    InvalidForm,
    Typed,
    chosen,
    empty_values,
    read,
    typed_values,
    values_of,
)
from services.crm.web.merging import merged
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from tests.unit.crm_web.fakes import NOW, contact

pytestmark = pytest.mark.requirement("R1")
WHEN = {"created_at": NOW, "updated_at": NOW}
VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "z"]))


def sent(type_: RecordType, **values: str) -> Typed:
    """A form that was sent with these values."""
    return typed_values(type_, FormData([*empty_values(type_).items(), *values.items()]))


@pytest.mark.parametrize(
    ("type_", "record"),
    [
        (RecordType.CONTACT, contact(addresses=("a@x.example", "b@x.example"), marketing=True)),
        (RecordType.CONTACT, contact(legal_basis=LegalBasis(kind=LegalBasisKind.NOT_APPLICABLE, source="s"))),
        (RecordType.COMPANY, Company(id=new_id(), name="Acme", domain="acme.example", **WHEN)),
        (RecordType.DEAL, Deal(id=new_id(), name="D", amount=123456, currency="EUR", open=False, **WHEN)),
        (RecordType.DEAL, Deal(id=new_id(), name="D", amount=4_800_000, currency="JPY", **WHEN)),
        (RecordType.DEAL, Deal(id=new_id(), name="D", amount=1500, currency="KWD", **WHEN)),
        (RecordType.TICKET, Ticket(id=new_id(), name="T", status="waiting", owner_id=new_id(), **WHEN)),
    ],
)
def test_a_form_that_is_sent_as_it_was_filled_says_the_same_record(
    type_: RecordType, record: Contact | Company | Deal | Ticket
) -> None:
    values = values_of(type_, record, ())
    fields, associations = read(type_, values, set(values), new=False)
    again = type(record).model_validate({**record.model_dump(), **fields})
    assert again == record
    assert associations == []
    assert set(values) == {field.name for field in FIELDS[type_]} | {"associations"}


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        (RecordType.CONTACT, "name", ""),
        (RecordType.CONTACT, "name", "x" * 257),
        (RecordType.CONTACT, "addresses", "good@x.example\nno address"),
        (RecordType.CONTACT, "owner_id", "somebody"),
        (RecordType.CONTACT, "phone", "1" * 257),
        (RecordType.DEAL, "amount", "much"),
        (RecordType.DEAL, "amount", "1e9"),
        (RecordType.DEAL, "amount", "-1"),
        (RecordType.DEAL, "amount", "1.001"),
        (RecordType.DEAL, "currency", "yen"),
    ],
)
def test_what_can_t_be_saved_is_said_at_its_field(type_: RecordType, name: str, value: str) -> None:
    with pytest.raises(InvalidForm) as refused:
        read(type_, {**empty_values(type_), "name": "N", name: value}, {name}, new=False)
    assert name in refused.value.faults


@pytest.mark.parametrize("association", ["contact", "thing:1:x", "contact:no-id:x", "contact:a\nb:x"])
def test_a_forged_association_is_refused(association: str) -> None:
    form = FormData([("name", "D"), ("association", association)])
    with pytest.raises(InvalidForm):
        whole(form)


def whole(form: FormData) -> None:
    """All that a page does with a form of a deal."""
    typed = typed_values(RecordType.DEAL, form)
    assert chosen(typed.values, typed.names) == []
    read(RecordType.DEAL, typed.values, {"associations"}, new=True)


def test_only_what_changed_is_read_but_what_belongs_together_is_read_together() -> None:
    values = empty_values(RecordType.DEAL) | {"name": "D", "amount": "10", "currency": "JPY", "stage": "won"}
    assert read(RecordType.DEAL, values, {"stage"}, new=False) == ({"stage": "won"}, None)
    fields, _ = read(RecordType.DEAL, values, {"currency"}, new=False)
    assert fields == {"amount": 10, "currency": "JPY"}


def test_associations_are_kept_with_names_and_the_primary_one() -> None:
    company, other = new_id(), new_id()
    form = [
        ("name", "N"),
        ("association", f"company:{company}:A: B"),
        ("association", f"contact:{other}:C"),
        ("primary", str(company)),
    ]
    typed = typed_values(RecordType.CONTACT, FormData(form))
    expected = [
        Association(record_type=RecordType.COMPANY, record_id=company, name="A: B", primary=True),
        Association(record_type=RecordType.CONTACT, record_id=other, name="C"),
    ]
    assert chosen(typed.values, typed.names) == expected
    _, read_back = read(RecordType.CONTACT, typed.values, {"associations"}, new=False)
    assert read_back == [one.model_copy(update={"name": ""}) for one in expected]


def test_where_both_changed_a_value_both_are_told() -> None:
    was = {"name": "A", "phone": "1", "job": "x", "domain": "d"}
    typed = {"name": "Mine", "phone": "1", "job": "y", "domain": "same"}
    now = {"name": "Theirs", "phone": "2", "job": "x", "domain": "same"}
    both = merged(was, typed, now)
    assert both.values == {"name": "Mine", "phone": "2", "job": "y", "domain": "same"}
    assert both.theirs == {"name": "Theirs"}
    assert both.before == {"phone": "1"}


@given(VALUES, VALUES, VALUES)
def test_nothing_typed_is_lost_and_nothing_saved_is_hidden(
    was: dict[str, str], typed: dict[str, str], now: dict[str, str]
) -> None:
    both = merged(was, typed, now)
    for name, value in typed.items():
        if value != was.get(name, ""):
            assert both.values[name] == value
        shown = {both.values[name], both.theirs.get(name)}
        assert now.get(name, "") in shown or now.get(name, "") == was.get(name, "")
