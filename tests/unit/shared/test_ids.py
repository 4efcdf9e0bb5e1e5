"""Ids: those of what happens sort by time, derived ones are always the same."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.events.ids import derived_id, new_id, text_of

PARTS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=12), min_size=1, max_size=4
)


def test_new_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {one.version for one in ids} == {7}


def test_a_derived_id_is_the_same_on_every_machine_for_ever() -> None:
    hit = UUID("0190f3c4-7c00-7000-8000-000000000001")
    assert str(derived_id("engagement", hit, "open")) == "eebb0c5a-288c-5f27-9a70-d6561f8c2cfe"
    assert derived_id("engagement", hit, "open") == derived_id("engagement", str(hit), "open")


@given(one=PARTS, other=PARTS)
def test_other_parts_give_another_id(one: list[str], other: list[str]) -> None:
    assert (derived_id(*one) == derived_id(*other)) is (one == other)


@given(known=st.uuids())
def test_the_quick_text_of_an_id_is_its_text(known: UUID) -> None:
    assert text_of(known) == str(known)
