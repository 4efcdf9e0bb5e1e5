"""How far back months reach."""

from datetime import UTC, datetime

import pytest

from services.crm.rules.retention import months_before

pytestmark = pytest.mark.requirement("A6")


@pytest.mark.parametrize(
    ("now", "months", "before"),
    [
        ((2026, 11, 26), 1, (2026, 10, 26)),
        ((2026, 11, 26), 12, (2025, 11, 26)),
        ((2026, 1, 31), 1, (2025, 12, 31)),
        ((2026, 3, 31), 1, (2026, 2, 28)),
        ((2028, 3, 31), 1, (2028, 2, 29)),
        ((2026, 1, 1), 240, (2006, 1, 1)),
        ((2026, 12, 15), 12, (2025, 12, 15)),
    ],
)
def test_the_same_day_so_many_months_ago(
    now: tuple[int, int, int], months: int, before: tuple[int, int, int]
) -> None:
    at = datetime(*now, 9, 30, tzinfo=UTC)
    assert months_before(at, months) == datetime(*before, 9, 30, tzinfo=UTC)
