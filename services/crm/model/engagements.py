"""Engagements: judged hits, at their highest revision."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model
from shared.events.engagements import EngagementKind, Evidence, Verdict

_REPLY = "inferred.reply"  # the tracker's rule
COUNTED = frozenset({Verdict.HUMAN, Verdict.PROXIED_HUMAN})


class Engagement(Model):
    """One verdict. `occurred_at` is the time of the hit; `candidates` are recipient slots.

    `first_revision`, `first_verdict`: the earliest word on the hit that came here; None: this one.
    """

    id: UUID
    revision: int
    message_id: UUID
    user_id: UUID
    hit_id: UUID
    kind: EngagementKind
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    confidence: float
    ruleset_version: str
    session_id: UUID
    occurred_at: datetime
    folded_into: UUID | None = None
    first: bool = False
    inferred: bool = False
    anonymous: bool = False
    candidates: tuple[int, ...] = ()
    link_index: int | None = None
    first_revision: int | None = None
    first_verdict: Verdict | None = None

    @property
    def was(self) -> Verdict | None:
        """What was said of it before, if that was something else."""
        return None if self.first_verdict is self.verdict else self.first_verdict

    @property
    def by_reply(self) -> bool:
        """Whether it was inferred from a reply, which shows neither place nor device (B7)."""
        return self.inferred and any(one.rule == _REPLY for one in self.evidence[:1])

    @property
    def counts(self) -> bool:
        """Whether it stands for a person's own act (T3), once."""
        return self.folded_into is None and self.verdict in COUNTED
