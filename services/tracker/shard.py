"""The messages of one partition: the busy ones in memory, the rest behind a look-up.

A shard is never a truth of its own: it is rebuilt from email.sends and email.hits. What it wants
kept beyond memory waits in `unsaved` until its caller has committed the offsets behind it.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.tracker.entry import Entry
from services.tracker.model import Beacon, Change, Hit, Judged, Lasting, Related, Sent
from services.tracker.rules.rulesets import CURRENT, RuleSet
from services.tracker.state import MessageState

_AT_LEAST = timedelta(seconds=1)  # after a standstill, what came meanwhile is read before a hit is let go


class Record(NamedTuple):
    """What is kept of a message beyond memory."""

    sent: Sent
    lasting: Lasting


class Hold(NamedTuple):
    """A hit whose telling waits until `due`. `number` decides between two; `offset`: where it was read.

    `told_maybe`: read so late that a process before this one may have let it go already.
    """

    due: datetime
    number: int
    offset: int
    state: MessageState
    entry: Entry
    told_maybe: bool


Lookup = Callable[[UUID], Record | None]


class Shard:
    """`horizon`: hits older than this are settled; no later event changes a judgement on them.

    `most`: messages with hits to hold in memory; beyond it those longest untouched are settled early.
    `hold`: how long telling of a suspicious hit waits, from its time.
    """

    def __init__(
        self,
        lookup: Lookup,
        horizon: timedelta,
        most: int,
        hold: timedelta = timedelta(),
        rules: RuleSet = CURRENT,
    ) -> None:
        self.rules = rules
        self._hold = hold
        self._holds: list[Hold] = []
        self._held = 0
        self.reading = 0  # the offset in email.hits of what is folded now
        self._lookup = lookup
        self._horizon = horizon
        self._most = most
        self._live: OrderedDict[int, MessageState] = OrderedDict()  # UUIDs hash and compare slowly
        self.pending = 0  # hits whose message is not confirmed yet
        self.unsaved: dict[UUID, Record] = {}
        self._judged: list[Judged] = []

    def __len__(self) -> int:
        return len(self._live)

    @property
    def held_from(self) -> int | None:
        """The first offset in email.hits of which something is still to be told."""
        return min((hold.offset for hold in self._holds), default=None)

    @property
    def holding(self) -> int:
        """How many hits are held."""
        return len(self._holds)

    @property
    def next_due(self) -> datetime | None:
        """When the next hold ends."""
        return self._holds[0].due if self._holds else None

    def release(self, now: datetime) -> list[Change]:
        """What was held and is due."""
        changes: list[Change] = []
        while self._holds and self._holds[0].due <= now:
            hold = heapq.heappop(self._holds)
            changes += hold.state.release(hold.entry, told_maybe=hold.told_maybe)
        return changes

    def put_send(self, message_id: UUID, sent: Sent, now: datetime, *, again: bool = False) -> list[Change]:
        """A state of a message. `again`: it was told of before."""
        state = self._live.get(message_id.int)
        if state is None:
            record = self._record(message_id)
            if record is None or sent.order > record.sent.order:
                self.unsaved[message_id] = Record(sent, record.lasting if record else Lasting())
            return []
        known, pending = state.sent, state.pending
        changes = state.put_send(sent)
        self._take_from(state, now, again)
        if state.sent is not known:
            self.unsaved[message_id] = Record(sent, state.settled)
        self.pending += state.pending - pending
        return changes

    def put_hit(self, message_id: UUID, hit: Hit, now: datetime, *, again: bool = False) -> list[Change]:
        """A fetch. Of a message that is not tracked nothing is kept. `again`: it was told of before."""
        state = self._touched(message_id, now)
        if state.sent is not None and not state.sent.tracked:
            return []
        pending = state.pending
        changes = state.put_hit(hit, hold=not again and bool(self._hold))
        self._take_from(state, now, again)
        if state.settle(before=hit.at - self._horizon):
            self._keep(state)
        self.pending += state.pending - pending
        return changes

    def put_beacon(self, message_id: UUID, beacon: Beacon, now: datetime) -> list[Change]:
        """A report of viewing."""
        return self._touched(message_id, now).put_beacon(beacon)

    def put_related(self, message_id: UUID, related: Related, now: datetime) -> list[Change]:
        """What was seen of a hit together with other messages."""
        return self._touched(message_id, now).put_related(related)

    def evict(self, now: datetime) -> int:
        """Let go of messages that nothing touched within the horizon, and of too many. How many."""
        count = 0
        while self._live:
            state = next(iter(self._live.values()))
            if state.holding:
                break
            fresh = state.touched is not None and now - state.touched <= self._horizon
            if fresh and len(self._live) <= self._most:
                break
            del self._live[state.message_id.int]
            self.pending -= state.pending
            state.settle(keep=0)
            self._keep(state)
            count += 1
        return count

    def take_unsaved(self) -> dict[UUID, Record]:
        """What is to be kept; the caller keeps it, so it is no longer held here."""
        taken, self.unsaved = self.unsaved, {}
        return taken

    def take_judged(self) -> list[Judged]:
        """Hits that were judged for the first time, but for what was read again."""
        taken, self._judged = self._judged, []
        return taken

    def _take_from(self, state: MessageState, now: datetime, again: bool) -> None:
        if state.sent is not None and not again:
            self._judged += [Judged(state.message_id, hit, state.sent) for hit in state.fresh]
        state.fresh.clear()
        for entry in state.held:
            due = max(min(entry.hit.at, now) + self._hold, now + min(self._hold, _AT_LEAST))
            self._held += 1
            told_maybe = now >= entry.hit.at + self._hold
            heapq.heappush(self._holds, Hold(due, self._held, self.reading, state, entry, told_maybe))
        state.held.clear()

    def _touched(self, message_id: UUID, now: datetime) -> MessageState:
        state = self._live.get(message_id.int)
        if state is None:
            record = self._record(message_id)
            sent, lasting = record or (None, None)
            state = self._live[message_id.int] = MessageState(message_id, sent, lasting, self.rules)
        else:
            self._live.move_to_end(message_id.int)
        state.touched = now
        return state

    def _record(self, message_id: UUID) -> Record | None:
        return self.unsaved.get(message_id) or self._lookup(message_id)

    def _keep(self, state: MessageState) -> None:
        """Nothing lasts of a message that never was confirmed."""
        if state.sent is not None:
            self.unsaved[state.message_id] = Record(state.sent, state.settled)
