"""The few shapes of a plot, as SVG text."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

TEXT, GRID = "#30343b", "#c9cdd3"
_FONT = "font-family='system-ui, sans-serif'"

Point = tuple[float, float]


def picture(width: int, height: int, title: str, shapes: Iterable[str]) -> str:
    """A whole file, on white so that it reads on dark pages too."""
    return "\n".join((
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' {_FONT}>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{width}' height='{height}' fill='#fff'/>",
        text((16, 24), title, size=15),
        *shapes,
        "</svg>\n",
    ))  # fmt: skip


def text(at: Point, said: str, anchor: str = "start", size: int = 11) -> str:
    """`anchor`: start, middle or end of the text stands at the point."""
    place = f"x='{at[0]:.1f}' y='{at[1]:.1f}' text-anchor='{anchor}' font-size='{size}'"
    return f"<text {place} fill='{TEXT}'>{escape(said)}</text>"


def line(points: Sequence[Point], colour: str, width: float = 1.0) -> str:
    """Through all points."""
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{way}' fill='none' stroke='{colour}' stroke-width='{width}'/>"


def bar(left: float, right: float, top: float, height: float, colour: str) -> str:
    """Between two places, whichever is the greater."""
    begin, length = min(left, right), max(1.0, abs(right - left))
    return f"<rect x='{begin:.1f}' y='{top:.1f}' width='{length:.1f}' height='{height:.1f}' fill='{colour}'/>"


def dot(at: Point, colour: str) -> str:
    """A measured point."""
    return f"<circle cx='{at[0]:.1f}' cy='{at[1]:.1f}' r='3.5' fill='{colour}'/>"
