"""How a client resumes, and what it is told of the time that it missed. Pure: the time is an argument."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from services.notifier.cursor import Cursor
from services.notifier.model import FEED_CHANGED, RAISED, RETRACTED, SETTINGS_CHANGED, Entry
from services.notifier.policy import Silence

SUMMARY_AFTER = timedelta(minutes=5)
SUMMARY_NAMES = 500  # so that a client does not count again what it has told already
_AHEAD = 10_000  # events that one replica may have read before another

ResyncReason = Literal["cursor_expired", "other_epoch", "cursor_invalid"]


class Source(Enum):
    """Where the missed events are."""

    NONE = "none"  # the client asks for none
    RING = "ring"
    KAFKA = "kafka"  # up to the ring's floor; the rest is in the ring


@dataclass(frozen=True, slots=True)
class Resume:
    """From which offset on a client is served, and where those events are; or why it must reload."""

    from_offset: int
    source: Source
    resync: ResyncReason | None = None


def resume(cursor: Cursor | None, epoch: bytes, partition: int, floor: int, live: int) -> Resume:
    """What to do with a client's cursor; None is one that did not open.

    `partition` is the user's; the ring holds it from `floor` up to `live`, the next offset to come.
    """
    if cursor is None:
        return Resume(live, Source.NONE, "cursor_invalid")
    if cursor.epoch != epoch:
        return Resume(live, Source.NONE, "other_epoch")
    if cursor.partition != partition or cursor.next_offset > live + _AHEAD:
        return Resume(live, Source.NONE, "cursor_invalid")
    if cursor.next_offset >= live:  # another replica was ahead of this one
        return Resume(cursor.next_offset, Source.NONE)
    return Resume(cursor.next_offset, Source.RING if cursor.next_offset >= floor else Source.KAFKA)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message to a resumed client: an event, or a summary of `count` pop-ups, the newest of them by
    their notification ids. `next_offset` is what its cursor says has been seen; `silent`: why the event comes
    up nowhere."""

    next_offset: int
    entry: Entry | None
    count: int = 0
    newest: tuple[str, ...] = ()
    silent: Silence | None = None


def fold(
    entries: Sequence[Entry],
    now: datetime,
    silence: Callable[[Entry, datetime], Silence | None] = lambda *_: None,
) -> list[Replayed]:
    """What a client that was away is told, in the order of the log.

    Pop-ups older than five minutes become one summary, at the place of the last of them; silent ones are
    told one by one, for the client to count. A pop-up
    that was retracted meanwhile is neither raised nor counted; its retraction is passed on, for it
    may be on screen. Of the changes of one feed row, and of the settings, the last is enough.
    Until the summary is said no cursor passes what it counts, so that a client which drops before
    it is told again.
    """
    last = {(entry.type, entry.about): entry.offset for entry in entries}
    kept = [(entry, silence(entry, now)) for entry in entries if _still_matters(entry, last)]
    old = [entry for entry, silent in kept if silent is None and _is_old(entry, now)]
    if not old:
        return [Replayed(entry.offset + 1, entry, silent=silent) for entry, silent in kept]
    first, until = old[0].offset, old[-1].offset
    summarised = {entry.offset for entry in old}
    told: list[Replayed] = []
    for entry, silent in kept:
        if entry.offset == until:
            newest = tuple(entry.about for entry in old[-SUMMARY_NAMES:])
            told.append(Replayed(until + 1, None, len(old), newest))
        elif entry.offset not in summarised:
            passed = entry.offset + 1
            passed = min(passed, first) if entry.offset < until else passed
            told.append(Replayed(passed, entry, silent=silent))
    return told


def _is_old(entry: Entry, now: datetime) -> bool:
    return entry.type == RAISED and now - entry.occurred_at > SUMMARY_AFTER


def _still_matters(entry: Entry, last: dict[tuple[str, str], int]) -> bool:
    if entry.type == RAISED:
        return last.get((RETRACTED, entry.about), -1) < entry.offset
    if entry.type in (FEED_CHANGED, SETTINGS_CHANGED):
        return last[entry.type, entry.about] == entry.offset
    return True
