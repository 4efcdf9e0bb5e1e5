"""Plots: what they say, and that they are whole."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from bench.plots import Bar, aims, bars, draw, growth
from bench.results import FOLDER

SVG = "{http://www.w3.org/2000/svg}"


def row(aim: str, ratio: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"aim": aim, "ratio": ratio, "low": low, "high": high, **more}


@pytest.mark.parametrize(
    ("measured", "reached"),
    [
        (row("≥ 0.8", 0.4, 0.2, 1.6), (0.5, 0.25, 2)),
        (row("first ≥ 5, final ≥ 10", 5, 5, 20), (0.5, 0.5, 2)),
        (row("≥ 12,500/s", 25_000, 12_500, 50_000), (2, 1, 4)),
        (row("≤ 20 ms at 500/s", 40, 10, 80), (0.5, 0.25, 2)),
    ],
)
def test_a_bar_says_how_much_of_the_aim_is_reached(
    measured: dict[str, Any], reached: tuple[float, ...]
) -> None:
    (bar,) = bars({"figure": measured, "without_an_aim": row("", 1, 1, 1)})
    assert (bar.reached, bar.low, bar.high) == pytest.approx(reached)


def shapes(picture: str, tag: str) -> list[Xml.Element]:
    return list(Xml.fromstring(picture).iter(SVG + tag))  # noqa: S314 - drawn here


def test_a_reached_aim_and_a_missed_one_go_to_either_side_of_the_line() -> None:
    picture = aims([Bar("a_good", 3, 2, 4, "3"), Bar("b_bad", 0.3, 0.2, 0.4, "<0.3>")])
    _, good, bad = shapes(picture, "rect")
    assert float(bad.attrib["x"]) + float(bad.attrib["width"]) == pytest.approx(
        float(good.attrib["x"]), abs=0.2
    )
    assert good.attrib["fill"] != bad.attrib["fill"]
    assert {"a_good", "b_bad", "<0.3>"} <= {text.text for text in shapes(picture, "text")}


def test_growth_is_drawn_beside_the_first_step() -> None:
    picture = growth({"flat": [(4, 50), (40, 50), (400, 50)], "linear": [(1000, 1), (10_000, 10)]})
    flat, linear = (line for line in shapes(picture, "polyline") if line.attrib["stroke-width"] == "2")
    heights = [
        [float(point.split(",")[1]) for point in one.attrib["points"].split()] for one in (flat, linear)
    ]
    assert len(set(heights[0])) == 1
    assert heights[1][0] == heights[0][0]
    assert heights[1][1] < heights[1][0]


def test_only_what_there_are_figures_for_is_drawn(tmp_path: Path) -> None:
    assert draw({"figure": row("", 1, 1, 1)}, tmp_path) == []
    known = {"figure": row("≥ 1", 1, 1, 1), "grown": row("", 1, 1, 1, steps=[[1, 2.0], [10, 2.5]])}
    assert draw(known, tmp_path) == ["aims.svg", "growth.svg"]
    for name in ("aims.svg", "growth.svg"):
        Xml.parse(tmp_path / name)  # noqa: S314 - drawn here


def test_the_recorded_results_can_be_drawn(tmp_path: Path) -> None:
    assert draw(json.loads((FOLDER / "results.json").read_text()), tmp_path)
