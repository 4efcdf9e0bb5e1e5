"""Two people changed one record: what stands in the second one's form then."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Merged:
    """`values` for the form; `theirs`: where both changed a value, the other's; `before`: where only the
    other did, what it was."""

    values: dict[str, str]
    theirs: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)


def merged(was: Mapping[str, str], typed: Mapping[str, str], now: Mapping[str, str]) -> Merged:
    """What was typed stays; what was not touched is as it is now."""
    result = Merged(dict(typed))
    for name, value in typed.items():
        old, current = was.get(name, ""), now.get(name, "")
        if current in {old, value}:
            continue
        if value == old:
            result.values[name] = current
            result.before[name] = old
        else:
            result.theirs[name] = current
    return result
