"""Figures, and the two files they go into: bench/results.json and bench/RESULTS.md."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import verdicts
from bench.plots import draw
from deploy.local.brokers import chosen

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `value` and `reference` are medians over rounds, in `unit`.

    `ratio` is the median over rounds of the comparison that the aim speaks of (1 = as good as the
    reference, more is better), `low` and `high` its extremes over the rounds. `steps`: (size, cost) where
    the figure is about growth.
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    low: float
    high: float
    aim: str
    note: str = ""
    steps: tuple[tuple[float, float], ...] = ()


def figure(
    name: str, unit: str, values: Sequence[float], references: Sequence[float], ratios: Sequence[float],
    aim: str, note: str = "",
) -> Figure:  # fmt: skip
    """The figure of some rounds: `values[i]` and `references[i]` were measured side by side."""
    return Figure(
        name, statistics.median(values), unit, statistics.median(references),
        statistics.median(ratios), min(ratios), max(ratios), aim, note,
    )  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def machine() -> str:
    """What it was measured on, without naming the host."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or "unknown processor",
    )
    cores = os.cpu_count()
    return f"{model}, {cores} cores, Linux {platform.release()}, Python {platform.python_version()}"


def write(figures: Sequence[Figure]) -> None:
    """Replace what is measured now and keep the other figures as they were."""
    path = FOLDER / "results.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= {
        f.name: {
            "value": round(f.value, 3), "unit": f.unit, "reference": round(f.reference, 3),
            "ratio": round(f.ratio, 3), "low": round(f.low, 3), "high": round(f.high, 3),
            "aim": f.aim, "note": f.note, "broker": chosen(os.environ).name,
            "machine": machine(), "measured": f"{datetime.now(UTC):%Y-%m-%d}",
            **({"steps": f.steps} if f.steps else {}),
        }
        for f in figures
    }  # fmt: skip
    path.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    (FOLDER / "RESULTS.md").write_text(_page(known, draw(known)))


def _page(known: dict[str, dict[str, Any]], plots: Sequence[str]) -> str:
    drawn = "\n".join(f"![{name.removesuffix('.svg')}](plots/{name})\n" for name in plots)
    rows = "\n".join(
        f"| `{name}` | {row['value']} {row['unit']} | {row['reference']} {row['unit']} "
        f"| {row['ratio']} ({row['low']} to {row['high']}) | {row['aim']} "
        f"| {row['note']}; broker: {row.get('broker', 'embedded')} "
        f"| {row['machine'].split(',')[0]}, {row['measured']} |"
        for name, row in sorted(known.items())
    )
    return f"""# Measured figures

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}, last on {machine()}.
All machines are shared with others, so read ratios, not digits: each figure is a median over rounds in which
Kaifu and its reference take turns. `results.json` has each row's whole machine.
What lies behind them: [where the time goes](COST.md).

{drawn}
| figure | Kaifu | reference | ratio (lowest to highest round) | aim | how | where, when |
|---|---|---|---|---|---|---|
{rows}

{verdicts.table()}"""
