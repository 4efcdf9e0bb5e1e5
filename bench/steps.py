"""A cost at several sizes of something, as one figure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.results import Figure, figure


@dataclass(frozen=True, slots=True)
class Step:
    """What it cost at one size, in some rounds."""

    size: int
    costs: tuple[float, ...]

    @property
    def cost(self) -> float:
        """The median."""
        return statistics.median(self.costs)


def grown(name: str, unit: str, steps: Sequence[Step], what: str, note: str = "") -> Figure:
    """`value`: the cost at the last step, `reference`: at the first, ratio: how many times as much that is.

    `what` is counted by the sizes.
    """
    first, last = steps[0], steps[-1]
    ratios = [cost / first.cost for cost in last.costs]
    said = ", ".join(f"{step.size:,}: {step.cost:.3g} {unit}" for step in steps)
    of = figure(
        name, unit, last.costs, first.costs, ratios, "",
        f"{what} {said}{note and f'; {note}'}; ratio: the last beside the first",
    )  # fmt: skip
    return replace(of, steps=tuple((step.size, step.cost) for step in steps))
