"""What is made of a compose window's milliseconds."""

from bench.compose import figures


def test_many_addresses_are_compared_with_one() -> None:
    one, many = [float(ms) for ms in range(1, 101)], [2.0 * ms for ms in range(1, 101)]
    p50, p99 = figures([(one, many), (many, many), (one, many)], "of a test")
    assert (p50.name, p99.name) == ("compose_context_p50_ms", "compose_context_p99_ms")
    assert (p50.value, p50.reference) == (100.0, 50.0)
    assert (p99.value, p99.reference) == (198.0, 99.0)
    assert (p99.ratio, p99.low, p99.high) == (0.5, 0.5, 1.0)
    assert "of a test" in p99.note
