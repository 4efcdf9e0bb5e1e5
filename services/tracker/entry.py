"""A hit in its place in the fold of a message, and what telling of it asks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.tracker.model import Cursor, Hit, Judgement
from services.tracker.rules import timing


class Entry:
    """A hit or a reply in its place: what was known before it, and what was judged of it with which revision.

    `held`: None, or what had been told when telling began to wait. `raised`: what would have raised since.
    """

    __slots__ = ("before", "held", "hit", "raised", "told")

    def __init__(self, hit: Hit, before: Cursor) -> None:
        self.hit = hit
        self.before = before
        self.told: tuple[tuple[Judgement, int], ...] = ()
        self.held: dict[UUID, Judgement] | None = None
        self.raised: Judgement | None = None


def begins_to_wait(entry: Entry, judgements: Sequence[Judgement]) -> bool:
    """Whether a pop-up would come of it that is suspicious, and none came before."""
    for judgement in judgements:
        if judgement.held and judgement.raises:
            return entry.held is None and not any(told.raises for told, _ in entry.told)
    return False


def by_time(entry: Entry) -> tuple[datetime, UUID]:
    """Where it stands; hits of the same time in the order of their ids."""
    return entry.hit.at, entry.hit.hit_id


def differ(one: Judgement, other: Judgement) -> bool:
    """Whether a correction is due. Not for whether telling waits, which is no part of the judgement, nor for
    when it was read before, which an engagement does not say. Not for the seconds since the send alone: they
    follow from which state of a scheduled mail was known, which a restart may see otherwise."""
    return one != other and (_timeless(one) != _timeless(other))


def _timeless(judgement: Judgement) -> Judgement:
    evidence = tuple(spoke for spoke in judgement.finding.evidence if spoke.rule != timing.AFTER_SEND.id)
    return judgement._replace(
        held=False, previous_at=None, finding=judgement.finding._replace(evidence=evidence)
    )
