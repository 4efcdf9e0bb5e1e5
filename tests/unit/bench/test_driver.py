"""What is made of two drivers' rounds."""

from bench.driver import CALLS, Measured, figures


def rounds(*motor_us: float) -> list[Measured]:
    return [
        {call: {"motor": (us, [1.0, 2.0, 9.0]), "pymongo": (200.0, [0.5, 1.0, 3.0])} for call in CALLS}
        for us in motor_us
    ]


def test_motor_is_compared_round_by_round_and_its_latencies_are_told() -> None:
    found = figures({"alone": rounds(400.0, 250.0, 100.0), "at once": rounds(300.0)}, "of a test")
    assert [one.name for one in found] == [f"driver_{call}_us" for call in CALLS]
    for one in found:
        assert (one.value, one.reference) == (250.0, 200.0)
        assert (one.ratio, one.low, one.high) == (0.8, 0.5, 2.0)
        assert "alone p50 2.00 ms, p99 9.00 ms, the reference p50 1.00 ms, p99 3.00 ms" in one.note
        assert "CPU with 16 at once 300 µs beside 200" in one.note
        assert one.note.endswith("of a test")
