"""Counting verdicts: where an engagement stands in the counts, and what the counts of some days come to.

An engagement stands in one cell of one day. It keeps where it stands, so that a correction takes it away
there whatever this module says by then, and a repetition moves nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote
from uuid import UUID

from services.crm.model.accuracy import (
    Accuracy,
    ByVerdict,
    Corrections,
    DayVerdicts,
    Provider,
    ProviderVerdicts,
    RuleHits,
    RulesetHits,
    VerdictChange,
)
from services.crm.model.engagements import COUNTED, Engagement
from services.crm.rules.providers import provider_of
from shared.events.engagements import Verdict

MOST_DAYS = 366
_BETWEEN = "|"
_REPEAT, _INFERRED, _REVISED = "repeat", "inferred", "+"
Noun = TypeVar("Noun")


class Cell(NamedTuple):
    """What is the same of all that are counted together. `percent`: the confidence. `kind`: see `_kind`."""

    kind: str
    verdict: Verdict
    was: Verdict | None
    provider: Provider
    rule: str
    percent: int
    ruleset_version: str


class Place(NamedTuple):
    """Where an engagement stands: of whose mail, on which UTC day, in which cell (as the store names it)."""

    user_id: UUID
    day: str
    cell: str


class Span(NamedTuple):
    """Some days side by side."""

    first: date
    last: date
    verdicts: ByVerdict


class Recount(NamedTuple):
    """An engagement comes to stand in the counts, or elsewhere in them. `before` None: it did not yet."""

    engagement_id: UUID
    before: Place | None
    after: Place


def place_of(engagement: Engagement) -> Place:
    """Where it is to stand."""
    day = engagement.occurred_at.astimezone(UTC).date()
    return Place(engagement.user_id, day.isoformat(), named(cell_of(engagement)))


def cell_of(engagement: Engagement) -> Cell:
    """What it has in common with others."""
    return Cell(
        kind=_kind(engagement),
        verdict=engagement.verdict,
        was=engagement.was,
        provider=provider_of(engagement.evidence),
        rule=_deciding(engagement),
        percent=round(100 * engagement.confidence),
        ruleset_version=engagement.ruleset_version,
    )


def _kind(engagement: Engagement) -> str:
    """`hit`, `repeat` or `inferred`; with a plus sign if it was judged more than once."""
    kind = _INFERRED if engagement.inferred else _REPEAT if engagement.folded_into else "hit"
    return kind + (_REVISED if engagement.revision > 0 else "")


def _deciding(engagement: Engagement) -> str:
    """The rule behind the verdict: of a repetition, behind that of what it repeats."""
    rules = [said.rule for said in engagement.evidence]
    return next((rule for rule in rules if not rule.startswith("repeats.")), rules[0])


def named(cell: Cell) -> str:
    """The cell as the name of a field: no dot, no dollar sign."""
    return _BETWEEN.join(
        quote("" if part is None else str(part), safe="+").replace(".", "%2E") for part in cell
    )


@lru_cache(maxsize=4096)
def read(name: str) -> Cell | None:
    """The cell of a name; None for one of another release, which counts nothing here."""
    parts = [unquote(part) for part in name.split(_BETWEEN)]
    try:
        kind, verdict, was, provider, rule, percent, version = parts
        return Cell(
            kind,
            Verdict(verdict),
            Verdict(was) if was else None,
            Provider(provider),
            rule,
            int(percent),
            version,
        )
    except ValueError:
        return None


Changes = dict[tuple[UUID, str], Counter[str]]


def changes_of(recounts: Iterable[Recount]) -> Changes:
    """How much each cell grows or shrinks, by user and day; what stays as it is is left out."""
    changes: Changes = {}
    for _, before, after in recounts:
        if before == after:
            continue
        for place, one in ((before, -1), (after, 1)):
            if place is not None:
                changes.setdefault((place.user_id, place.day), Counter())[place.cell] += one
    nonzero = {key: Counter({cell: n for cell, n in cells.items() if n}) for key, cells in changes.items()}
    return {key: cells for key, cells in nonzero.items() if cells}


def accuracy(
    counts: Iterable[tuple[date, Mapping[str, int]]], first: date, last: date, *, whole_account: bool
) -> Accuracy:
    """What the counts of days from `first` to `last` come to. A day may come several times, or not at all."""
    by_day: dict[date, Counter[Cell]] = {day: Counter() for day in days(first, last)}
    for day, cells in counts:
        for name, number in cells.items():
            if (cell := read(name)) is not None and day in by_day:
                by_day[day][cell] += number
    whole: Counter[Cell] = sum((_hits(cells) for cells in by_day.values()), Counter())
    return Accuracy(
        first=first,
        last=last,
        whole_account=whole_account,
        hits=whole.total(),
        repeats=sum(number for cell, number in whole.items() if cell.kind.startswith(_REPEAT)),
        inferred=sum(cells.total() - _hits(cells).total() for cells in map(_positive, by_day.values())),
        verdicts=_verdicts(whole),
        days=tuple(DayVerdicts(day=day, verdicts=_verdicts(_hits(cells))) for day, cells in by_day.items()),
        providers=_providers(whole),
        rules=_rules(whole),
        rulesets=tuple(
            RulesetHits(version=version, hits=hits)
            for version, hits in _most(whole, lambda cell: cell.ruleset_version)
        ),
        corrections=_corrections(whole),
    )


def days(first: date, last: date) -> list[date]:
    """Both and all between."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def grouped(found: Sequence[DayVerdicts], length: int) -> list[Span]:
    """So many days side by side as one, counted from the last; the first span may be shorter."""
    rest = len(found) % length
    cuts = [0, *range(rest or length, len(found) + 1, length)] if found else [0]
    spans: list[Span] = []
    for start, end in pairwise(cuts):
        part = found[start:end]
        verdicts: Counter[Verdict] = Counter()
        for one in part:
            verdicts.update(one.verdicts)
        spans.append(
            Span(
                part[0].day,
                part[-1].day,
                {verdict: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
            )
        )
    return spans


def _positive(cells: Counter[Cell]) -> Counter[Cell]:
    return Counter({cell: number for cell, number in cells.items() if number > 0})


def _hits(cells: Counter[Cell]) -> Counter[Cell]:
    """Without what is no hit of its own."""
    return Counter({cell: n for cell, n in _positive(cells).items() if not cell.kind.startswith(_INFERRED)})


def _by(cells: Counter[Cell], what: Callable[[Cell], Noun]) -> Counter[Noun]:
    sums: Counter[Noun] = Counter()
    for cell, number in cells.items():
        sums[what(cell)] += number
    return sums


def _most(cells: Counter[Cell], what: Callable[[Cell], Noun]) -> list[tuple[Noun, int]]:
    """The most frequent first; the same every time."""
    return sorted(_by(cells, what).items(), key=lambda found: (-found[1], str(found[0])))


def _verdicts(cells: Counter[Cell]) -> ByVerdict:
    """In the order of the verdicts, those that there are."""
    found = _by(cells, lambda cell: cell.verdict)
    return {verdict: found[verdict] for verdict in Verdict if found[verdict]}


def _of(cells: Counter[Cell], provider: Provider) -> Counter[Cell]:
    return Counter({cell: number for cell, number in cells.items() if cell.provider is provider})


def _providers(cells: Counter[Cell]) -> tuple[ProviderVerdicts, ...]:
    return tuple(
        ProviderVerdicts(provider=provider, hits=hits, verdicts=_verdicts(_of(cells, provider)))
        for provider, hits in _most(cells, lambda cell: cell.provider)
    )


def _rules(cells: Counter[Cell]) -> tuple[RuleHits, ...]:
    sure: Counter[str] = Counter()
    for cell, number in cells.items():
        sure[cell.rule] += cell.percent * number
    return tuple(
        RuleHits(rule=rule, hits=hits, confidence=round(sure[rule] / hits / 100, 3))
        for rule, hits in _most(cells, lambda cell: cell.rule)
    )


def _corrections(cells: Counter[Cell]) -> Corrections:
    changes = tuple(
        VerdictChange(was=was, now=now, hits=hits)
        for (was, now), hits in _most(cells, lambda cell: (cell.was, cell.verdict))
        if was is not None
    )
    return Corrections(
        revised=sum(number for cell, number in cells.items() if cell.kind.endswith(_REVISED)),
        changed=sum(change.hits for change in changes),
        taken_back=sum(one.hits for one in changes if one.was in COUNTED and one.now not in COUNTED),
        found_after=sum(one.hits for one in changes if one.was not in COUNTED and one.now in COUNTED),
        changes=changes,
    )
