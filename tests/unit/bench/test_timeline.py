"""The timelines that are measured, and what is made of the milliseconds."""

from datetime import UTC, datetime
from itertools import islice, pairwise
from uuid import uuid4

import pytest

from bench.timeline import SIZES, Pages, figures, timeline_rows
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.places import place
from services.crm.store.documents import document, value


def test_rows_are_as_crm_writes_them_and_stand_newest_first() -> None:
    account, contact = uuid4(), uuid4()
    rows = list(islice(timeline_rows(account, contact, datetime.now(UTC)), 8))
    assert len({row["_id"] for row in rows}) == 8
    assert all(before["place"] > after["place"] for before, after in pairwise(rows))
    for row in rows:
        read = value(
            TimelineRow, {key: kept for key, kept in row.items() if key not in ("account_id", "place")}
        )
        written = {"_id": read.id, "account_id": account, **document(read)}
        assert row == {**written, "place": place(read.occurred_at, read.id)}
        assert read.record_id == contact
    kinds = [row["type"] for row in rows]
    assert kinds.count(TimelineType.EMAIL) == 2
    assert {row["message_id"] for row in rows[:4]}.isdisjoint(row["message_id"] for row in rows[4:])


def test_the_largest_is_compared_with_the_smallest_round_by_round() -> None:
    rounds = [
        [Pages([10.0], [12.0]), Pages([11.0], [11.0]), Pages([12.0], [18.0])],
        [Pages([20.0], [10.0]), Pages([11.0], [30.0]), Pages([20.0], [40.0])],
        [Pages([10.0], [10.0]), Pages([9.0], [8.0]), Pages([9.0], [8.0])],
    ]
    *sizes, flat = figures(rounds, "of a test")
    assert [one.name for one in sizes] == [f"timeline_p99_ms_{name}" for name in SIZES]
    assert (sizes[0].value, sizes[0].reference) == (10.0, 10.0)  # far down, first page
    assert (sizes[2].value, sizes[2].reference) == (18.0, 12.0)
    assert (flat.value, flat.reference, flat.aim) == (18.0, 12.0, "≤ 1.5")
    assert (flat.ratio, flat.low, flat.high) == (1.5, pytest.approx(0.9), 2.0)
    assert flat.steps == ((10_000, 12.0), (100_000, 11.0), (1_000_000, 18.0))
    assert all("of a test" in one.note for one in (*sizes, flat))
