"""What was seen of a message's hits together with other messages: a fold that knows no order."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.tracker.model import Related
from services.tracker.rules import threads

_NONE: Mapping[str, int] = {}


class RelatedHits:
    """By hit, known yet or not. `most`: those of the latest hits stay."""

    __slots__ = ("_at", "_most", "_values")

    def __init__(self, most: int) -> None:
        self._most = most
        self._at: dict[UUID, datetime] = {}
        self._values: dict[UUID, Mapping[str, int]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def put(self, related: Related) -> bool:
        """Whether it is news. What was seen twice of one hit is as strong as the stronger of both."""
        known = self.of(related.hit_id)
        value = _stronger(related, known.get(related.rule))
        if known.get(related.rule) == value:
            return False
        self._values[related.hit_id] = {**known, related.rule: value}
        self._at[related.hit_id] = related.at
        if len(self._values) > self._most:
            self._drop(min(self._at, key=lambda hit_id: (self._at[hit_id], hit_id)))
        return True

    def of(self, hit_id: UUID) -> Mapping[str, int]:
        """By rule; nothing of most hits."""
        return self._values.get(hit_id, _NONE)

    def forget(self, before: datetime) -> None:
        """Drop what is about hits from before that time."""
        for hit_id in [hit_id for hit_id, at in self._at.items() if at < before]:
            self._drop(hit_id)

    def _drop(self, hit_id: UUID) -> None:
        del self._at[hit_id], self._values[hit_id]


def _stronger(related: Related, known: int | None) -> int:
    """The more mails, or the fewer seconds between."""
    if known is None:
        return related.value
    return min(known, related.value) if related.rule == threads.OLDER.id else max(known, related.value)
