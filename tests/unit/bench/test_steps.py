"""A cost at several sizes as one figure."""

import pytest

from bench.steps import Step, grown


def test_growth_is_the_last_step_beside_the_first_and_every_step_is_told() -> None:
    steps = [Step(4, (10.0, 12.0, 11.0)), Step(40, (11.0,)), Step(400, (22.0, 20.0, 33.0))]
    figure = grown("growth_of_a_test", "µs", steps, "partitions", "CPU µs per hit")
    assert (figure.value, figure.reference, figure.ratio) == (22.0, 11.0, 2.0)
    assert (figure.low, figure.high) == (pytest.approx(20 / 11), 3.0)
    assert figure.steps == ((4, 11.0), (40, 11.0), (400, 22.0))
    assert "4: 11 µs, 40: 11 µs, 400: 22 µs" in figure.note
