"""Builds the data file of listed programs from a list that somebody has downloaded.

The list has the form of crawler-user-agents: a JSON array of `{"pattern": regular expression, "instances":
[agents that were seen], "tags": [what it is for]}`. Of a pattern only what is plain text is taken.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_KINDS = {
    "http-library": "library",
    "browser-automation": "automation",
    "scanner": "scanner",
    "social-preview": "preview",
    "monitoring": "monitor",
}
_OTHER = "robot"
_LEAST = 5  # characters; shorter names stand in other words
_SPECIAL = re.compile(r"(?<!\\)[\[\](){}.*+?|^$]|\\[a-zA-Z0-9]")  # what a pattern means but by itself


class Listed(NamedTuple):
    """An entry of the list: its name in lower case, what it is for, agents that were seen of it."""

    name: str
    kind: str
    agents: tuple[str, ...]


class Taken(NamedTuple):
    """By kind, the names that the rules lacked; and those that a person's agent carries, left out."""

    kinds: Mapping[str, Sequence[str]]
    peoples: Sequence[str]


def read_list(path: Path) -> list[Listed]:
    """Entries whose pattern is plain text. ValueError says what is no list of this form."""
    try:
        rows = json.loads(path.read_text())
        return [_listed(row) for row in rows if not _SPECIAL.search(row["pattern"])]
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"{path.name} is no list of patterns with instances and tags: {wrong}") from None


def _listed(row: Mapping[str, Any]) -> Listed:
    name = re.sub(r"\\(.)", r"\1", row["pattern"]).strip().lower()
    kinds = (_KINDS[tag] for tag in row.get("tags", ()) if tag in _KINDS)
    return Listed(name, next(kinds, _OTHER), tuple(row.get("instances", ())))


def taken(listed: Iterable[Listed], people: Collection[str], is_known: Callable[[str], bool]) -> Taken:
    """Names that are missing: of which an agent was seen that `is_known` denies, and none of `people` has.

    ValueError without anybody's agent: every name would pass.
    """
    if not any(people):
        raise ValueError("of people no agent is given: a name that stands in one could not be left out")
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    peoples: list[str] = []
    all_people = "\n".join(people).lower()
    for one in listed:
        if len(one.name) < _LEAST or all(is_known(agent) for agent in one.agents):
            continue
        if one.name in all_people:
            peoples.append(one.name)
        else:
            kinds[one.kind].append(one.name)
    return Taken({kind: sorted(set(names)) for kind, names in sorted(kinds.items())}, sorted(peoples))
