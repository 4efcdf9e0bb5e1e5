"""What a replay changes, in numbers: counted message by message, so that it never holds them all."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from services.tracker.replay.differences import Compared
from services.tracker.replay.fold import counts
from shared.events.engagements import EngagementJudged, EngagementKind


@dataclass
class Summary:
    """Counts. `verdicts`: engagements by verdict, before and after. `rules`: corrections by the rule that
    decides them. `left`: differences of hits that the live tracker may still judge again.
    """

    messages: int = 0
    corrections: int = 0
    opened: int = 0
    closed: int = 0
    left: int = 0
    revoked: int = 0
    too_many_hits: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, compared: Compared) -> None:
        """One more message."""
        after = compared.after
        self.messages += 1
        self.corrections += len(compared.differences)
        self.left += compared.left
        self.before.update(_verdict(one) for one in compared.standing.values())
        self.after.update(_verdict(one) for one in after.values())
        self.rules.update(one.after.evidence[0].rule for one in compared.differences)
        was, becomes = _is_opened(compared.standing.values()), _is_opened(after.values())
        self.opened += becomes and not was
        self.closed += was and not becomes

    def printable(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "messages": self.messages,
            "corrections": self.corrections,
            "sent_to_opened": self.opened,
            "opened_to_sent": self.closed,
            "left_to_the_tracker": self.left,
            "revoked": self.revoked,
            "too_many_hits": self.too_many_hits,
            "verdicts": {name: {"before": b, "after": a} for name, b, a in self.by_verdict()},
            "rules": dict(self.rules.most_common()),
        }

    def by_verdict(self) -> list[tuple[str, int, int]]:
        """Name, before, after; those that are on neither side are left out."""
        return [(name, self.before[name], self.after[name]) for name in sorted(self.before | self.after)]


def _verdict(one: EngagementJudged) -> str:
    """What repeats another, or was inferred in vain, counts for nothing whatever its verdict."""
    if one.folded_into is not None or (one.inferred and not counts(one)):
        return "not counted again"
    return one.verdict.value


def _is_opened(engagements: Any) -> bool:
    return any(one.kind is EngagementKind.OPEN and counts(one) for one in engagements)
