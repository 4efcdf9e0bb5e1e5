"""A rule as data: its id, what it says, where that is known from, and why it may be wrong."""

from dataclasses import dataclass
from functools import lru_cache

from services.tracker.model import Finding
from shared.events.engagements import Evidence, Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """`verdict` None: the rule only adds evidence, the verdict is another's.

    `confidence` (0 to 1) is a judgement by the sources, not a measured frequency.
    `source` and `doubt` are for whoever disputes a verdict; readers of the feed get the sentence of
    `shared.events.evidence`.
    """

    id: str
    verdict: Verdict | None
    confidence: float
    source: str
    doubt: str

    def evidence(self, **values: str | int | float) -> Evidence:
        """That this rule spoke. `values` never holds an address or a user agent."""
        return _evidence(self.id, tuple(values.items()))

    def finding(self, **values: str | int | float) -> Finding:
        """The rule's verdict."""
        if self.verdict is None:
            raise ValueError(f"{self.id} gives no verdict")
        return Finding(self.verdict, self.confidence, (self.evidence(**values),))


@lru_cache(maxsize=8192)
def _evidence(rule: str, values: tuple[tuple[str, str | int | float], ...]) -> Evidence:
    """One object for what is said again and again: states hold it in thousands of judgements."""
    return Evidence(rule=rule, values=dict(values))
