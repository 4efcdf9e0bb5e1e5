"""Plots of the results, as SVG: what is reached of each aim, and how cost grows."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import svg

FOLDER = Path(__file__).with_name("plots")
Known = Mapping[str, Mapping[str, Any]]
Growth = Mapping[str, Sequence[svg.Point]]

_WIDTH, _MARGIN, _ROW, _TOP = 900, 240, 26, 74
_REACHED, _SHORT = "#2a7f62", "#c0532b"
_COLOURS = ("#2a7f62", "#3b6fb6", "#c0532b", "#8a5fb0", "#b08a2a", "#4a9aa5", "#d0729d", "#7a7a7a")
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_AIM = re.compile(r"([≥≤])\s*(\d[\d.,]*)")


@dataclass(frozen=True, slots=True)
class Bar:
    """What is reached of an aim: 1 is all of it, more is better. `low` and `high`: of the rounds."""

    name: str
    reached: float
    low: float
    high: float
    said: str


def draw(known: Known, folder: Path = FOLDER) -> list[str]:
    """Write the plots that there are figures for; gives the names of their files."""
    pictures = {"aims.svg": aims(bars(known)), "growth.svg": growth(_steps(known))}
    drawn = {name: picture for name, picture in pictures.items() if picture}
    folder.mkdir(exist_ok=True)
    for name, picture in drawn.items():
        (folder / name).write_text(picture)
    return list(drawn)


def bars(known: Known) -> list[Bar]:
    """One for each figure with an aim. Of several aims the last counts."""
    return [
        _bar(name, row, *_AIM.findall(row["aim"])[-1])
        for name, row in sorted(known.items())
        if _AIM.search(row["aim"])
    ]


def _bar(name: str, row: Mapping[str, Any], sign: str, number: str) -> Bar:
    aim = float(number.replace(",", "").rstrip("."))
    ratio, low, high = row["ratio"], row["low"], row["high"]
    said = f"{f'{ratio:,.0f}' if ratio >= 1000 else f'{ratio:.3g}'} ({sign} {number})"
    if sign == "≥":
        return Bar(name, ratio / aim, low / aim, high / aim, said)
    ratio, low, high = (max(cost, 1e-9) for cost in (ratio, low, high))
    return Bar(name, aim / ratio, aim / high, aim / low, said)


def aims(found: Sequence[Bar]) -> str:
    """A bar from the line of the aim to what is reached, a whisker from the worst to the best round."""
    if not found:
        return ""
    height = _TOP + _ROW * len(found) + 16
    shapes = []
    for tick in _TICKS:
        colour, width = (svg.TEXT, 1.5) if tick == 1 else (svg.GRID, 1.0)
        shapes.append(svg.line([(_share_at(tick), _TOP - 6), (_share_at(tick), height - 12)], colour, width))
        shapes.append(svg.text((_share_at(tick), _TOP - 12), f"{tick:g}×", "middle"))
    for number, bar in enumerate(found):
        shapes += _bar_shapes(bar, _TOP + _ROW * number)
    return svg.picture(_WIDTH, height, "What is reached of each aim: right of 1× is better than it", shapes)


def _share_at(share: float) -> float:
    """Logarithmic, from the first tick to the last."""
    within = min(max(share, _TICKS[0]), _TICKS[-1])
    whole = math.log10(_TICKS[-1] / _TICKS[0])
    return _MARGIN + (_WIDTH - 1.7 * _MARGIN) * math.log10(within / _TICKS[0]) / whole


def _bar_shapes(bar: Bar, top: float) -> list[str]:
    middle, low, high = top + _ROW / 2, _share_at(bar.low), _share_at(bar.high)
    colour = _REACHED if bar.reached >= 1 else _SHORT
    return [
        svg.text((_MARGIN - 10, middle + 4), bar.name, "end"),
        svg.bar(_share_at(1), _share_at(bar.reached), top + 6, _ROW - 12, colour),
        svg.line([(low, middle), (high, middle)], svg.TEXT),
        *(svg.line([(x, middle - 4), (x, middle + 4)], svg.TEXT) for x in (low, high)),
        svg.text((_WIDTH - 0.65 * _MARGIN, middle + 4), bar.said),
    ]


def _steps(known: Known) -> Growth:
    return {
        name: [(size, cost) for size, cost in row["steps"]]
        for name, row in sorted(known.items())
        if row.get("steps")
    }


def growth(found: Growth) -> str:
    """A line for each figure: cost beside the first step's, over size beside the first step's."""
    if not found:
        return ""
    lines = {
        name: [(size / steps[0][0], cost / steps[0][1]) for size, cost in steps]
        for name, steps in found.items()
    }
    most = max(2.0, *(cost for points in lines.values() for _, cost in points))
    bottom = 330.0

    def at(point: svg.Point) -> svg.Point:
        return 60 + 260 * math.log10(point[0]), bottom - (bottom - _TOP) * point[1] / most

    shapes = [
        svg.text((at((1, 0))[0], bottom + 34), "size beside the smallest; costs beside those at the smallest")
    ]
    for size in (1, 10, 100):
        shapes += [
            svg.line([at((size, 0)), at((size, most))], svg.GRID),
            svg.text((at((size, 0))[0], bottom + 16), f"{size}×", "middle"),
        ]
    for cost in range(math.floor(most) + 1):
        shapes += [
            svg.line([at((1, cost)), at((100, cost))], svg.GRID),
            svg.text((50, at((1, cost))[1] + 4), f"{cost}×", "end"),
        ]
    for number, (name, points) in enumerate(lines.items()):
        colour, row = _COLOURS[number % len(_COLOURS)], _TOP + _ROW * number
        shapes.append(svg.line([at(point) for point in points], colour, 2))
        shapes += [svg.dot(at(point), colour) for point in points]
        shapes += [svg.dot((620, row), colour), svg.text((632, row + 4), name)]
    return svg.picture(_WIDTH, 380, "Cost with ten and a hundred times as much", shapes)
