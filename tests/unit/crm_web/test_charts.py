"""Charts: geometry that adds up, markup that is well formed and says what it shows."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.web.charts import (
    BROAD,
    PATTERNS,
    SLIM,
    Column,
    Series,
    Size,
    patterns,
    shares,
    stacked,
    swatch,
    ticks,
)

pytestmark = pytest.mark.requirement("B1", "B10")
SVG = "{http://www.w3.org/2000/svg}"
TWO = (Series("human", "<Human>", "plain"), Series("machine", 'Machine "x"', "crossed"))


def parsed(markup: str) -> ElementTree.Element:
    """As an XML parser reads it, which forgives nothing."""
    return ElementTree.fromstring(str(markup).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))  # noqa: S314


def drawn(*amounts: dict[str, int], size: Size = BROAD) -> ElementTree.Element:
    columns = [Column(f"N{n}", f"Nov {n} & more", "words", one) for n, one in enumerate(amounts)]
    return parsed(stacked("time", size, columns, TWO, ("Over <time>", "A bar each")))


def bars(chart: ElementTree.Element) -> list[list[tuple[str, float, float]]]:
    """Of each column: fill, top and height of its boxes."""
    return [
        [
            (rect.attrib["fill"], float(rect.attrib["y"]), float(rect.attrib["height"]))
            for rect in group.iter(f"{SVG}rect")
        ]
        for group in chart.iter(f"{SVG}g")
    ]


@pytest.mark.parametrize("size", [BROAD, SLIM])
@given(
    st.lists(
        st.fixed_dictionaries({"human": st.integers(0, 5000), "machine": st.integers(0, 5000)}), max_size=40
    )
)
def test_boxes_are_as_high_as_their_amounts_and_stand_on_each_other(
    size: Size, amounts: list[dict[str, int]]
) -> None:
    chart = drawn(*amounts, size=size)
    floor, unit = None, None
    for column, one in zip(bars(chart), amounts, strict=True):
        assert [fill for fill, _, _ in column] == [
            f"url(#fill-{key})" for key in ("human", "machine") if one[key]
        ]
        for (_, top, height), amount in zip(
            column, filter(None, (one["human"], one["machine"])), strict=True
        ):
            assert top >= 9.9
            unit = unit or (height / amount if height > 20 else None)
            assert unit is None or abs(height - amount * unit) < 0.2 + amount * 0.01 * unit
        if column:
            floor = floor or column[0][1] + column[0][2]
            assert abs(column[0][1] + column[0][2] - floor) < 0.2
            if len(column) == 2:
                assert abs(column[1][1] + column[1][2] - column[0][1]) < 0.2
    for rect in chart.iter(f"{SVG}rect"):
        assert 0 <= float(rect.attrib["x"]) <= size.width - float(rect.attrib["width"]) + 0.1


@given(st.integers(0, 10_000_000))
def test_ticks_are_round_few_and_high_enough(most: int) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert 2 <= len(found) <= 6
    assert found[-1] >= max(most, 1)
    assert found[-2] < max(most, 1)
    step = found[1]
    assert found == [step * number for number in range(len(found))]
    assert str(step).rstrip("0") in {"1", "2", "5"}


def test_a_chart_says_what_it_is() -> None:
    chart = drawn({"human": 1, "machine": 2})
    assert chart.attrib["role"] == "img"
    named = [chart.find(f".//*[@id='{id_}']") for id_ in chart.attrib["aria-labelledby"].split()]
    assert [one.text for one in named if one is not None] == ["Over <time>", "A bar each"]
    group = chart.find(f"{SVG}g/{SVG}title")
    assert group is not None
    assert group.text == "Nov 0 & more: words"


@pytest.mark.parametrize("size", [BROAD, SLIM])
@pytest.mark.parametrize("number", [1, 7, 13, 30])
def test_labels_do_not_touch_and_the_last_is_there(size: Size, number: int) -> None:
    chart = drawn(*[{"human": 1}] * number, size=size)
    below = [one for one in chart.iter(f"{SVG}text") if one.attrib["text-anchor"] == "middle"]
    assert below[-1].text == f"N{number - 1}"
    at = [float(one.attrib["x"]) for one in below]
    assert all(right - left >= size.label * 0.6 for left, right in pairwise(at))
    assert at[-1] <= size.width - 20


def test_a_bar_stands_above_its_label() -> None:
    """All but the last, whose label is kept from sticking out."""
    chart = drawn(*[{"human": 1}] * 7)
    below = [
        float(one.attrib["x"]) for one in chart.iter(f"{SVG}text") if one.attrib["text-anchor"] == "middle"
    ]
    middles = [
        float(rect.attrib["x"]) + float(rect.attrib["width"]) / 2
        for rect in chart.iterfind(f"{SVG}g/{SVG}rect")
    ]
    assert middles[:-1] == pytest.approx(below[:-1], abs=0.2)


def test_shares_fill_the_bar_and_are_silent() -> None:
    bar = parsed(shares({"human": 1, "machine": 3}, TWO))
    assert bar.attrib["aria-hidden"] == "true"
    widths = [float(rect.attrib["width"]) for rect in bar.iter(f"{SVG}rect")]
    assert widths == [60, 180]
    assert list(parsed(shares({}, TWO))) == []


def test_no_two_series_look_alike_without_colour() -> None:
    six = [Series(str(number), "x", pattern) for number, pattern in enumerate(PATTERNS)]
    drawings = [one.attrib["d"] for one in parsed(patterns(six)).iter(f"{SVG}path")]
    assert len(set(drawings)) == len(PATTERNS) == 6
    assert "url(#fill-3)" in swatch("3")


def test_no_style_that_the_policy_would_block() -> None:
    markup = patterns(TWO) + swatch("human") + shares({"human": 1}, TWO)
    markup += stacked("t", SLIM, [Column("a", "a", "a", {"human": 1})], TWO, ("a", "b"))
    assert "style" not in markup
    assert "<script" not in markup
