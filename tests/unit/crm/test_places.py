"""Cursors."""

import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.rules.places import InvalidCursor, cursor, place, read_cursor
from services.crm.rules.times import to_milliseconds

moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(
    lambda moment: to_milliseconds(moment.replace(tzinfo=UTC))
)


@given(moments, st.uuids(), moments, st.uuids())
def test_places_sort_as_time_and_then_id(a: datetime, one: UUID, b: datetime, other: UUID) -> None:
    """One string stands for both."""
    assert (place(a, one) < place(b, other)) == ((a, one.hex) < (b, other.hex))


def test_a_cursor_is_the_place_and_hides_it() -> None:
    """Opaque to the client, exact for us."""
    here = place(datetime.now(UTC) - timedelta(days=1), uuid4())
    assert read_cursor(cursor(here)) == here
    assert re.search(re.escape(here), cursor(here)) is None


@pytest.mark.parametrize(
    "given_",
    ["", "x", "é", "\ud800", "AAAA", "=" * 8, "{}", urlsafe_b64encode(b'{"$gt": ""}').decode(), "a" * 200],
)
def test_anything_else_is_refused(given_: str) -> None:
    """No text of a client reaches a query."""
    with pytest.raises(InvalidCursor):
        read_cursor(given_)
