"""Charts as SVG, drawn on the server: plain functions from numbers to markup.

Colours are classes of kaifu.css; each series also has a pattern of its own. What a chart shows stands in a
table beside it.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

from markupsafe import Markup

_HATCHES = {
    "plain": "",
    "rising": "M-1 9 9 -1M-1 1 1 -1M7 9 9 7",
    "dots": "M1.5 2h2M5.5 6h2",
    "crossed": "M0 0 8 8M8 0 0 8",
    "level": "M0 2h8M0 6h8",
    "upright": "M2 0v8M6 0v8",
}
PATTERNS = tuple(_HATCHES)


class Series(NamedTuple):
    """What a colour stands for. `key`: of the amounts, and of the class; `pattern`: one of PATTERNS."""

    key: str
    words: str
    pattern: str


class Column(NamedTuple):
    """A bar. `label` stands below it, `name` says the same in full, `words` say its amounts."""

    label: str
    name: str
    words: str
    amounts: Mapping[str, int]


class Size(NamedTuple):
    """In the chart's own units; `label`: the room that the longest label takes."""

    name: str
    width: int
    height: int
    label: int


class Box(NamedTuple):
    """A part of a bar."""

    key: str
    x: float
    y: float
    width: float
    height: float


BROAD = Size("broad", 960, 260, 64)
SLIM = Size("slim", 340, 220, 52)
_LEFT, _TOP, _BOTTOM = 40, 10, 24
_BROADST_BAR = 56.0


def patterns(series: Sequence[Series]) -> Markup:
    """The fills that all charts of a page use; once on the page."""
    made = Markup("").join(
        Markup(
            '<pattern id="fill-{key}" width="8" height="8" patternUnits="userSpaceOnUse">'
            '<rect class="ink-{key}" width="8" height="8"/><path class="hatch" d="{hatch}"/></pattern>'
        ).format(key=one.key, hatch=_HATCHES[one.pattern])
        for one in series
    )
    return Markup('<svg class="fills" width="0" height="0" aria-hidden="true"><defs>{}</defs></svg>').format(
        made
    )


def swatch(key: str) -> Markup:
    """What a legend shows of a series."""
    return Markup(
        '<svg class="swatch" width="14" height="14" aria-hidden="true">'
        '<rect width="14" height="14" rx="2" fill="url(#fill-{})"/></svg>'
    ).format(key)


def stacked(
    name: str, size: Size, columns: Sequence[Column], series: Sequence[Series], words: tuple[str, str]
) -> Markup:
    """Bars side by side, each a stack of its amounts. `name`: no other chart of the page has it; `words`: its
    title, and what it shows in a sentence."""
    steps = ticks(max((sum(column.amounts.values()) for column in columns), default=0))
    bars = [
        Markup("<g><title>{}: {}</title>{}</g>").format(
            column.name, column.words, Markup("").join(map(_rect, boxes))
        )
        for column, boxes in zip(columns, _stacks(size, columns, series, steps[-1]), strict=True)
    ]
    id_ = f"{name}-{size.name}"
    return Markup(
        '<svg class="chart {size}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d">'
        '<title id="{id}-t">{title}</title><desc id="{id}-d">{desc}</desc>{grid}{bars}{labels}</svg>'
    ).format(
        size=size.name,
        width=size.width,
        height=size.height,
        id=id_,
        title=words[0],
        desc=words[1],
        grid=_grid(size, steps),
        bars=Markup("").join(bars),
        labels=_labels(size, columns),
    )


def shares(amounts: Mapping[str, int], series: Sequence[Series]) -> Markup:
    """One bar that is all of them. Said by no screen reader: the numbers stand beside it."""
    whole, at, rects = sum(amounts.values()), 0.0, []
    for one in series:
        width = 240 * amounts.get(one.key, 0) / whole if whole else 0
        if width:
            rects.append(_rect(Box(one.key, at, 0, width, 12)))
        at += width
    return Markup('<svg class="shares" viewBox="0 0 240 12" aria-hidden="true">{}</svg>').format(
        Markup("").join(rects)
    )


def ticks(most: int) -> list[int]:
    """Round whole numbers from 0 to no less than the most: two to six of them."""
    step = next(base * 10**power for power in count() for base in (1, 2, 5) if base * 10**power * 5 >= most)
    return list(range(0, max(1, -(-most // step)) * step + 1, step))


def _stacks(size: Size, columns: Sequence[Column], series: Sequence[Series], top: int) -> list[list[Box]]:
    """The boxes of each column, the first series lowest."""
    slot = (size.width - _LEFT) / max(len(columns), 1)
    width = min(slot * 0.72, _BROADST_BAR)
    unit = (size.height - _TOP - _BOTTOM) / top
    stacks = []
    for number, column in enumerate(columns):
        boxes, y = [], float(size.height - _BOTTOM)
        for one in series:
            height = column.amounts.get(one.key, 0) * unit
            y -= height
            if height:
                boxes.append(Box(one.key, _LEFT + (number + 0.5) * slot - width / 2, y, width, height))
        stacks.append(boxes)
    return stacks


def _rect(box: Box) -> Markup:
    return Markup(
        '<rect class="part" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="url(#fill-{})"/>'
    ).format(box.x, box.y, box.width, box.height, box.key)


def _grid(size: Size, steps: Sequence[int]) -> Markup:
    unit = (size.height - _TOP - _BOTTOM) / steps[-1]
    return Markup("").join(
        Markup(
            '<path class="grid" d="M{left} {y:.1f}H{right}"/>'
            '<text class="axis" x="{text}" y="{y:.1f}" dy="0.32em" text-anchor="end">{step:,}</text>'
        ).format(
            left=_LEFT, right=size.width, text=_LEFT - 8, y=size.height - _BOTTOM - step * unit, step=step
        )
        for step in steps
    )


def _labels(size: Size, columns: Sequence[Column]) -> Markup:
    """As many as there is room for, the last one always."""
    slot = (size.width - _LEFT) / max(len(columns), 1)
    every = max(1, -int(-size.label // slot))
    return Markup("").join(
        Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _within(_LEFT + (number + 0.5) * slot, size), size.height - 6, column.label
        )
        for number, column in enumerate(columns)
        if (len(columns) - 1 - number) % every == 0
    )


def _within(x: float, size: Size) -> float:
    """So that a label does not stick out to the right."""
    return min(x, size.width - size.label / 2.4)
