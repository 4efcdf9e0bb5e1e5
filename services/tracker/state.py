"""What is known of one message: a fold of its sends, hits, replies and reports of viewing.

Hits stand in the order of their time. One that arrives late is put in its place, and what follows is
judged again until nothing changes any more; what was told before and differs is told anew with the
next revision (T9). Each method answers what there is to tell. A suspicious hit is held: what is judged of it
counts its revisions, and is told when its holder releases it (B3).

Revisions count corrections in the order of email.hits, so a rebuilt state goes on counting where the
former one stopped. One exception: a hit from before the time of a scheduled mail is judged only when the
mail is confirmed; a state rebuilt after that counts the corrections it caused as none.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from services.tracker.attribution import is_believed
from services.tracker.entry import Entry, begins_to_wait, by_time, differ
from services.tracker.judging import step
from services.tracker.model import (
    Beacon,
    Change,
    Cursor,
    Hit,
    Judgement,
    Lasting,
    Related,
    SendState,
    Sent,
    Surroundings,
)
from services.tracker.related import RelatedHits
from services.tracker.rules import bursts, own_views
from services.tracker.rules.rulesets import CURRENT, RuleSet

MOST_PENDING = 200  # hits kept of a message that is not confirmed; the earliest stay
MOST_HITS = 1000  # hits that may still be judged again; older ones are settled
MOST_PENDING_REPLIES = 8
MOST_BEACONS = 100
MOST_AROUND = 16  # hits on either side that a burst is looked for among

_by_hit = attrgetter("hit")
_UNRELATED: Mapping[str, int] = {}


class MessageState:
    """The fold of one message. `held`: entries that began to be held, `fresh`: hits that were judged for the
    first time, both for its holder to take. `is_varied`: different things were fetched,
    so that bursts are looked for."""

    __slots__ = (
        "beacons",
        "cursor",
        "elsewhere",
        "entries",
        "fresh",
        "held",
        "holding",
        "is_varied",
        "message_id",
        "newer",
        "related",
        "rules",
        "sent",
        "touched",
    )

    def __init__(
        self,
        message_id: UUID,
        sent: Sent | None = None,
        lasting: Lasting | None = None,
        rules: RuleSet = CURRENT,
    ) -> None:
        self.rules = rules
        self.held: list[Entry] = []
        self.fresh: list[Hit] = []
        self.holding = 0
        self.is_varied = False
        self.newer: tuple[Hit, ...] = ()
        self.elsewhere: tuple[tuple[UUID, Hit], ...] = ()
        self.related: RelatedHits | None = None
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
        return sum(not entry.told and entry.hit.told_by is None for entry in self.entries)

    def put_send(self, sent: Sent) -> list[Change]:
        """A state of the message; one that is no news, or older than the known one, changes nothing.

        Nothing is held: the hits are read and committed already, so a hold would not outlive the process.
        """
        if self.sent is not None and sent.order <= self.sent.order:
            return []
        self.sent = sent
        self.entries = [entry for entry in self.entries if is_believed(sent, entry.hit)]
        return self._judge(0, len(self.entries))

    def put_hit(self, hit: Hit, *, hold: bool = False) -> list[Change]:
        """A fetch or a reply; one that is known changes nothing. `settle` after it, so that none pile up.

        `hold`: if it is suspicious, telling waits.
        """
        if hit.told_by is not None and not self._takes(hit):
            return []
        index = len(self.entries)
        if index and not self.entries[-1].hit < hit:
            index = bisect_left(self.entries, hit, key=_by_hit)
            if self.entries[index].hit.hit_id == hit.hit_id:
                return []
        before = self.entries[index].before if index < len(self.entries) else self.cursor
        self.entries.insert(index, Entry(hit, before))
        self.is_varied = self.is_varied or not bursts.is_same_thing(hit, self.entries[index - 1].hit)
        if self.sent is None or self.sent.judged_from is None:
            del self.entries[MOST_PENDING:]
            return []
        return self._judge(*self._affected(index), hold=hold)

    def release(self, entry: Entry, *, told_maybe: bool = False) -> list[Change]:
        """What was held of a hit, as it is judged by now.

        `told_maybe`: a process that died may have let it go before; a pop-up that it raised is retracted.
        """
        shown, raised = entry.held or {}, entry.raised
        entry.held = entry.raised = None
        self.holding -= 1
        if self.sent is None or self.sent.judged_from is None:
            entry.told = ()
            return []
        changes: list[Change] = []
        for judgement, revision in entry.told:
            previous = shown.get(judgement.engagement_id)
            if previous is not None and not differ(judgement, previous):
                continue
            if told_maybe and raised is not None and not judgement.raises:
                previous = raised if raised.engagement_id == judgement.engagement_id else previous
            changes.append(Change(self.sent, self.message_id, entry.hit, judgement, revision, previous))
        return changes

    def put_beacon(self, beacon: Beacon) -> list[Change]:
        """A report of viewing: it may explain hits before and after it."""
        if beacon in self.beacons:
            return []
        insort(self.beacons, beacon)
        del self.beacons[:-MOST_BEACONS]
        near = own_views.affected(beacon, (entry.hit for entry in self.entries))
        return self._judge(near.start, near.stop - 1) if near else []

    def put_related(self, related: Related) -> list[Change]:
        """What was seen of a hit together with other messages; it may come before its hit."""
        self.related = self.related or RelatedHits(MOST_HITS)
        if not self.related.put(related):
            return []
        index = bisect_left(self.entries, related[:2], key=by_time)
        is_there = index < len(self.entries) and self.entries[index].hit.hit_id == related.hit_id
        return self._judge(index, index) if is_there else []

    def settle(self, before: datetime | None = None, keep: int = MOST_HITS) -> bool:
        """Forget hits from before that time and beyond that number, not what lasts. Whether any was."""
        count = max(0, len(self.entries) - keep)
        if before is not None:
            while count < len(self.entries) and self.entries[count].hit.at < before:
                count += 1
            if self.beacons and self.beacons[0].at < before:
                self.beacons = [beacon for beacon in self.beacons if beacon.at >= before]
            if self.related is not None:
                self.related.forget(before)
        if not count:
            return False
        if count == len(self.entries):
            self.cursor = Cursor(self.cursor.lasting)
            self.is_varied = False
        del self.entries[:count]
        return True

    def _takes(self, reply: Hit) -> bool:
        """Whether it is new and the word of the message's own user; while nobody knows whose the message is,
        one of the first. A reply is told again with another time, by another browser."""
        if self.sent is None:
            known = [entry.hit for entry in self.entries if entry.hit.told_by is not None]
            return len(known) < MOST_PENDING_REPLIES and all(one.hit_id != reply.hit_id for one in known)
        is_new = all(entry.hit.hit_id != reply.hit_id for entry in self.entries)
        return is_new and is_believed(self.sent, reply)

    def _affected(self, index: int) -> tuple[int, int]:
        """First and last position of hits that the one at `index` may make a burst with; its own if none."""
        hit = self.entries[index].hit
        if not self.is_varied or hit.told_by is not None:
            return index, index
        start, stop = self._around(index)
        return (start, stop - 1) if bursts.matters(hit, self._fetched(start, stop)) else (index, index)

    def _around(self, index: int) -> tuple[int, int]:
        """Positions (from, up to) of hits within a burst's reach of the one at `index`, itself included.
        Replies among them take nobody's place."""
        entries, at = self.entries, self.entries[index].hit.at
        start, left = index, MOST_AROUND
        while start > 0 and left and at - entries[start - 1].hit.at <= bursts.AROUND:
            start -= 1
            left -= entries[start].hit.told_by is None
        stop, left = index + 1, MOST_AROUND
        while stop < len(entries) and left and entries[stop].hit.at - at <= bursts.AROUND:
            left -= entries[stop].hit.told_by is None
            stop += 1
        return start, stop

    def _judge(self, start: int, through: int, *, hold: bool = False) -> list[Change]:
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
            known = Surroundings(
                self.sent,
                self.beacons,
                self._hits_around(index),
                self.newer,
                self.elsewhere,
                self.related.of(entry.hit.hit_id) if self.related is not None else _UNRELATED,
            )
            cursor, judgements = step(cursor, entry.hit, known, self.rules, was_inferred=was_inferred)
            if hold and begins_to_wait(entry, judgements):
                entry.held = {told.engagement_id: told for told, _ in entry.told}
                self.held.append(entry)
                self.holding += 1
            if judgements and not entry.told and entry.hit.told_by is None:
                self.fresh.append(entry.hit)
            self._tell(entry, judgements, changes)
        self.cursor = cursor
        return changes

    def _hits_around(self, index: int) -> Sequence[Hit]:
        """What a burst may be made of: of the same thing again and again there is none, so itself alone."""
        return self._fetched(*self._around(index)) if self.is_varied else (self.entries[index].hit,)

    def _fetched(self, start: int, stop: int) -> list[Hit]:
        """Without replies: nobody fetched them."""
        return [entry.hit for entry in self.entries[start:stop] if entry.hit.told_by is None]

    def _tell(self, entry: Entry, judgements: tuple[Judgement, ...], changes: list[Change]) -> None:
        if not judgements or self.sent is None:
            return
        before = {told.engagement_id: (told, revision) for told, revision in entry.told}
        after = []
        for judgement in judgements:
            previous, revision = before.get(judgement.engagement_id, (None, -1))
            if previous is None or differ(judgement, previous):
                revision += 1
                if entry.held is None:
                    changes.append(
                        Change(self.sent, self.message_id, entry.hit, judgement, revision, previous)
                    )
                elif judgement.raises:
                    entry.raised = judgement
            after.append((judgement, revision))
        entry.told = tuple(after)
