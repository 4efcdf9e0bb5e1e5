"""Precision and recall of each verdict over the labelled hits of tests/corpus, each set apart."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.tracker.cases import Case, answer
from services.tracker.rules.rulesets import CURRENT, RuleSet
from shared.events.engagements import Verdict

CORPUS = Path(__file__).parent.parent / "tests" / "corpus"
SETS = ("frozen", "working", "second")
FILE = Path(__file__).parent / "verdicts.json"


@dataclass(frozen=True, slots=True)
class Score:
    """Of one verdict: how many cases have it, how many were given it, and how many rightly."""

    cases: int
    given: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of the given ones that are right; None when none was given."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """Share of the cases that were given it; None without a case."""
        return self.right / self.cases if self.cases else None


def scores(name: str, rules: RuleSet = CURRENT) -> dict[Verdict, Score]:
    """By verdict, over one file of the corpus."""
    pairs = [(Verdict(row["expected"]), _given(row, rules)) for row in _rows(name)]
    cases, given = Counter(expected for expected, _ in pairs), Counter(found for _, found in pairs)
    right = Counter(expected for expected, found in pairs if expected is found)
    return {verdict: Score(cases[verdict], given[verdict], right[verdict]) for verdict in Verdict}


def share_right(scored: Mapping[Verdict, Score]) -> float:
    """Of all cases, how many have the right verdict."""
    return sum(one.right for one in scored.values()) / sum(one.cases for one in scored.values())


def write() -> None:
    """Score both sets with the current rules into bench/verdicts.json."""
    found = {
        "ruleset": CURRENT.version,
        **{name: {verdict: _row(score) for verdict, score in scores(name).items()} for name in SETS},
    }
    FILE.write_text(json.dumps(found, indent=2) + "\n")


def table() -> str:
    """The section of bench/RESULTS.md; empty when nothing was scored."""
    if not FILE.exists():
        return ""
    found = json.loads(FILE.read_text())
    rows = "\n".join(
        f"| {verdict} | " + " | ".join(_cells(found[name][verdict]) for name in SETS) + " |"
        for verdict in Verdict
    )
    return f"""## Verdicts

Rule set {found["ruleset"]} over the labelled hits of `tests/corpus`, labelled apart from the rules.
No rule was made or changed because of a case of the frozen third; the working third was looked at, and so was
the second set, after it had been measured once (tests/corpus/README.md).

| verdict | {" | ".join(f"{name}: cases | precision | recall" for name in SETS)} |
|---|{"---|---|---|" * len(SETS)}
{rows}
"""


def _rows(name: str) -> Sequence[Mapping[str, Any]]:
    return [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text().splitlines()]


def _given(row: Mapping[str, Any], rules: RuleSet) -> Verdict:
    return Verdict(answer(Case.model_validate(row["case"]), rules).verdict)


def _row(score: Score) -> dict[str, Any]:
    return {"cases": score.cases, "precision": _rounded(score.precision), "recall": _rounded(score.recall)}


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def _cells(row: Mapping[str, Any]) -> str:
    return " | ".join("–" if value is None else str(value) for value in row.values())
