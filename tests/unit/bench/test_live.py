"""What is made of a tracker's restarts with live messages."""

import pytest

from bench.live import AtSize, Restart, figures

SMALL = AtSize(
    100_000, 300.0, (Restart(10.0, 200.0),) * 3, (Restart(5.0, 190.0),) * 3, (80.0, 90.0, 85.0)
)  # fmt: skip
LARGE = AtSize(
    1_000_000, 2500.0, (Restart(90.0, 1700.0), Restart(100.0, 1900.0), Restart(120.0, 1800.0)),
    (Restart(60.0, 1600.0), Restart(50.0, 1600.0), Restart(30.0, 1600.0)), (88.0, 170.0, 85.0),
)  # fmt: skip


def test_a_rebuild_is_compared_with_a_start_that_keeps_the_folder() -> None:
    rebuild, *_ = figures(100.0, [SMALL, LARGE])
    assert (rebuild.name, rebuild.value, rebuild.reference) == ("live_rebuild_s", 100.0, 50.0)
    assert (rebuild.ratio, rebuild.low, rebuild.high) == (2.0, 1.5, 4.0)
    assert "with 100,000 10.0 s, folder kept 5.0 s" in rebuild.note


def test_memory_is_told_per_hundred_thousand_beyond_an_empty_tracker() -> None:
    _, memory, _ = figures(100.0, [SMALL, LARGE])
    assert memory.steps == ((100_000, 95.0), (1_000_000, pytest.approx(155.0)))
    assert (memory.value, memory.reference) == (pytest.approx(155.0), 95.0)
    assert "2500 MB with 1,000,000" in memory.note


def test_a_hit_among_ten_times_as_many_is_compared_with_one_among_few() -> None:
    *_, cpu = figures(100.0, [SMALL, LARGE])
    assert (cpu.value, cpu.reference) == (88.0, 85.0)
    assert (cpu.low, cpu.high) == (1.0, 2.0)
