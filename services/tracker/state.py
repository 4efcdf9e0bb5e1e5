"""What is known of one message: a fold of its sends, hits and reports of viewing.

Hits stand in the order of their time. One that arrives late is put in its place, and what follows is
judged again until nothing changes any more; what was told before and differs is told anew with the
next revision (T9). Each method answers what there is to tell.

Revisions count corrections in the order of email.hits, so a rebuilt state goes on counting where the
former one stopped. One exception: a hit from before the time of a scheduled mail is judged only when the
mail is confirmed; a state rebuilt after that counts the corrections it caused as none.
"""

from bisect import bisect_left, insort
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from services.tracker.judging import step
from services.tracker.model import Beacon, Change, Cursor, Hit, Judgement, Lasting, SendState, Sent
from services.tracker.rules import own_views, timing

MOST_PENDING = 200  # hits kept of a message that is not confirmed; the earliest stay
MOST_HITS = 1000  # hits that may still be judged again; older ones are settled
MOST_BEACONS = 100

_by_hit = attrgetter("hit")


class Entry:
    """A hit in its place: what was known before it, and what was told of it with which revision."""

    __slots__ = ("before", "hit", "told")

    def __init__(self, hit: Hit, before: Cursor) -> None:
        self.hit = hit
        self.before = before
        self.told: tuple[tuple[Judgement, int], ...] = ()


class MessageState:
    """The fold of one message."""

    __slots__ = ("beacons", "cursor", "entries", "message_id", "sent", "touched")

    def __init__(self, message_id: UUID, sent: Sent | None = None, lasting: Lasting | None = None) -> None:
        self.message_id = message_id
        self.sent = sent
        self.cursor = Cursor(lasting or Lasting())
        self.entries: list[Entry] = []
        self.beacons: list[Beacon] = []
        self.touched: datetime | None = None

    @property
    def settled(self) -> Lasting:
        """What lasts from before the hits that may still be judged again."""
        return (self.entries[0].before if self.entries else self.cursor).lasting

    @property
    def pending(self) -> int:
        """Hits that wait for the message to be confirmed."""
        if self.sent is not None and self.sent.state is not SendState.SCHEDULED:
            return 0
        return sum(not entry.told for entry in self.entries)

    def put_send(self, sent: Sent) -> list[Change]:
        """A state of the message; one that is no news, or older than the known one, changes nothing."""
        if self.sent is not None and sent.order <= self.sent.order:
            return []
        self.sent = sent
        return self._judge(0, len(self.entries))

    def put_hit(self, hit: Hit) -> list[Change]:
        """A fetch; one that is known changes nothing. `settle` after it, so that hits do not pile up."""
        index = len(self.entries)
        if index and not self.entries[-1].hit < hit:
            index = bisect_left(self.entries, hit, key=_by_hit)
            if self.entries[index].hit.hit_id == hit.hit_id:
                return []
        before = self.entries[index].before if index < len(self.entries) else self.cursor
        self.entries.insert(index, Entry(hit, before))
        if self.sent is None or self.sent.judged_from is None:
            del self.entries[MOST_PENDING:]
            return []
        return self._judge(index, index)

    def put_beacon(self, beacon: Beacon) -> list[Change]:
        """A report of viewing: it may explain hits before and after it."""
        if beacon in self.beacons:
            return []
        insort(self.beacons, beacon)
        del self.beacons[:-MOST_BEACONS]
        near = own_views.affected(beacon, (entry.hit for entry in self.entries))
        return self._judge(near.start, near.stop - 1) if near else []

    def settle(self, before: datetime | None = None, keep: int = MOST_HITS) -> bool:
        """Forget hits from before that time and beyond that number, not what lasts. Whether any was."""
        count = max(0, len(self.entries) - keep)
        if before is not None:
            while count < len(self.entries) and self.entries[count].hit.at < before:
                count += 1
            if self.beacons and self.beacons[0].at < before:
                self.beacons = [beacon for beacon in self.beacons if beacon.at >= before]
        if not count:
            return False
        if count == len(self.entries):
            self.cursor = Cursor(self.cursor.lasting)
        del self.entries[:count]
        return True

    def _judge(self, start: int, through: int) -> list[Change]:
        """Judge again from `start`; after `through`, only as far as something differs."""
        if self.sent is None or self.sent.judged_from is None or start >= len(self.entries):
            return []
        changes: list[Change] = []
        cursor = self.entries[start].before
        for index in range(start, len(self.entries)):
            entry = self.entries[index]
            if index > through and entry.before == cursor:
                return changes
            entry.before = cursor
            was_inferred = bool(entry.told) and any(told.inferred for told, _ in entry.told)
            cursor, judgements = step(cursor, entry.hit, self.sent, self.beacons, was_inferred=was_inferred)
            self._tell(entry, judgements, changes)
        self.cursor = cursor
        return changes

    def _tell(self, entry: Entry, judgements: tuple[Judgement, ...], changes: list[Change]) -> None:
        if not judgements or self.sent is None:
            return
        before = {told.engagement_id: (told, revision) for told, revision in entry.told}
        after = []
        for judgement in judgements:
            previous, revision = before.get(judgement.engagement_id, (None, -1))
            if previous is None or _differ(judgement, previous):
                revision += 1
                changes.append(Change(self.sent, self.message_id, entry.hit, judgement, revision, previous))
            after.append((judgement, revision))
        entry.told = tuple(after)


def _differ(one: Judgement, other: Judgement) -> bool:
    """Whether a correction is due. Not for the seconds since the send alone: they follow from which state
    of a scheduled mail was known, which a restart may see otherwise."""
    return one != other and (_timeless(one) != _timeless(other))


def _timeless(judgement: Judgement) -> Judgement:
    evidence = tuple(spoke for spoke in judgement.finding.evidence if spoke.rule != timing.AFTER_SEND.id)
    return judgement._replace(finding=judgement.finding._replace(evidence=evidence))
