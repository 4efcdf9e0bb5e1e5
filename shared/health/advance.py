"""How far a consumer is in its partitions, and whether that is progress.

Known stalls of the client libraries leave a process alive that consumes nothing, so being alive says
nothing: either nothing waits, or some position has moved since the last look.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

_Partition = TypeVar("_Partition", bound=Hashable)


class Advance(Generic[_Partition]):
    """Positions by partition; "done" is below `next_offset`."""

    def __init__(self) -> None:
        self._next: dict[_Partition, int | None] = {}
        self._seen: dict[_Partition, int | None] = {}

    def hold(self, partitions: Iterable[_Partition]) -> None:
        """These are ours now."""
        for partition in partitions:
            self._next.setdefault(partition, None)

    def release(self, partitions: Iterable[_Partition]) -> None:
        """These are another's now."""
        for partition in partitions:
            self._next.pop(partition, None)

    def held(self) -> list[_Partition]:
        """What is ours."""
        return list(self._next)

    def begin(self, partition: _Partition, position: int | None) -> None:
        """Where reading began, until the first event is done."""
        if partition in self._next and self._next[partition] is None:
            self._next[partition] = position

    def done(self, partition: _Partition, next_offset: int) -> None:
        """All below `next_offset` is done."""
        if partition in self._next:
            self._next[partition] = next_offset

    def lag(self, ends: Mapping[_Partition, int]) -> dict[_Partition, int]:
        """Events that wait, per partition, given the high watermarks."""
        return {
            partition: max(0, end - position)
            for partition, end in ends.items()
            if (position := self._next.get(partition)) is not None
        }

    def look(self, ends: Mapping[_Partition, int]) -> bool:
        """Whether nothing waits, or something moved since the last look."""
        moved = self._next != self._seen
        self._seen = dict(self._next)
        return moved or not any(self.lag(ends).values())

    def beyond(self, ends: Mapping[_Partition, int]) -> bool:
        """Whether some position lies past the end: then this is not the log that it was read from."""
        return any((self._next.get(partition) or 0) > end for partition, end in ends.items())
