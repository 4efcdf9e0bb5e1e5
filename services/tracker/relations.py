"""Evidence across messages: what one client fetches from several of an account's mails within seconds (B1).

What is seen here changes no verdict. It is told as an event (HitRelated) that is read again from email.hits
like a report of viewing, so that a state which is rebuilt knows what this process knew. A process sees what
it has read of the partitions that it holds, and no more.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import cast

from services.tracker.model import ALWAYS, Hit, Judged
from services.tracker.rules import bursts, threads
from services.tracker.rules.networks import APPLE_PRIVACY
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Verdict
from shared.events.hits import AcrossMessages, HitRelated
from shared.events.ids import derived_id

MOST_GROUPS = 10_000  # clients, and threads, with hits to remember
MOST_NOTES = 32  # hits of one client, or on one thread; the latest stay
SPAN = max(bursts.MAILS_WITHIN, threads.TOGETHER)
AGAIN = timedelta(seconds=1)  # the same mail by the same client: what was noted says enough
KEPT = timedelta(minutes=1)  # after the last hit of a client was read; partitions are read in turns

_RELAYS = hash(APPLE_PRIVACY)  # an address that thousands share, as `Hit.address` has it


class Note:
    """A hit to remember. `mail`: what counts as one mail, the thread where it is known. `told`: nothing more
    is to be said of it here."""

    __slots__ = ("judged", "mail", "told")

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.mail = judged.sent.thread or judged.message_id.int  # UUIDs hash slowly
        self.told = False

    @property
    def hit(self) -> Hit:
        """The hit itself."""
        return self.judged.hit


_Placed = tuple[datetime, int, Note]  # the number decides a tie


class _Group:
    __slots__ = ("notes", "read_at")

    def __init__(self) -> None:
        self.notes: list[_Placed] = []
        self.read_at = ALWAYS


class Notes:
    """Hits by what they have in common, in the order of their time; bounded."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Hashable, _Group] = OrderedDict()  # the longest untouched first
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, key: Hashable, note: Note, now: datetime) -> Sequence[Note]:
        """Remember it; those that have the key and lie within SPAN of it, itself included, by time.

        Without itself if it is too old to be remembered; none if it only repeats the latest.
        """
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        else:
            self._groups.move_to_end(key)
        group.read_at = now
        at, notes = note.hit.at, group.notes
        if notes and _repeats(note, notes[-1][2]):
            return ()
        insort(notes, (at, next(self._numbers), note))
        del notes[:-MOST_NOTES]
        self._forget(now)
        if len(notes) == 1:
            return (note,)
        start = bisect_left(notes, (at - SPAN,))
        return [near for when, _, near in notes[start:] if when - at <= SPAN]

    def _forget(self, now: datetime) -> None:
        while self._groups:
            key, group = next(iter(self._groups.items()))
            if now - group.read_at <= KEPT and len(self._groups) <= MOST_GROUPS:
                return
            del self._groups[key]


def _repeats(new: Note, latest: Note) -> bool:
    same = new.judged.message_id == latest.judged.message_id
    return same and timedelta() <= new.hit.at - latest.hit.at <= AGAIN


class Relations:
    """What this process has seen lately, whichever partition it came from."""

    def __init__(self) -> None:
        self.clients = Notes()
        self.threads = Notes()

    def note(self, judged: Judged, now: datetime) -> list[HitRelated]:
        """Remember a hit that is judged for the first time; what is to be told because of it, of earlier ones
        too. `now`: when it is read."""
        hit, sent = judged.hit, judged.sent
        told: list[HitRelated] = []
        if _may_scan(hit):
            note = Note(judged)
            near = self.clients.add((sent.account_id.int, hit.client), note, now)
            if len(near) >= bursts.MANY:
                told += _over_mails(near)
        if sent.thread is not None and hit.kind is EngagementKind.OPEN:
            note = Note(judged)
            near = self.threads.add((sent.account_id.int, sent.thread), note, now)
            if len(near) > 1:
                told += _older(note, near)
        return told


def _may_scan(hit: Hit) -> bool:
    """Whether agent and address stand for one client that nothing speaks against: a mail program loads what
    it shows, a proxy and Apple's relays stand for many people."""
    is_one_client = hit.address is not None and hit.address != _RELAYS and not hit.by_mail_program
    return is_one_client and hit.finding.verdict is Verdict.HUMAN


def _over_mails(notes: Sequence[Note]) -> Iterator[HitRelated]:
    """Hits within ten seconds on several mails. Mails of one thread count as one: a page shows them together,
    and the newest of them was opened."""
    stop = 0
    for start in range(len(notes)):
        before, stop = stop, _end(notes, start, stop)
        if stop == before:
            continue  # no more than the span before
        mails = len({note.mail for note in notes[start:stop]})
        if mails >= bursts.MANY:
            for note in notes[start:stop]:
                yield from _told(note, bursts.MANY_MAILS, mails)


def _end(notes: Sequence[Note], start: int, known: int) -> int:
    """Up to where (exclusive) hits lie within a burst's span from the one at `start`; `known` or later."""
    until, end = notes[start].hit.at + bursts.MAILS_WITHIN, known
    while end < len(notes) and notes[end].hit.at <= until:
        end += 1
    return end


def _older(new: Note, notes: Sequence[Note]) -> Iterator[HitRelated]:
    """Opens of older messages of the thread beside newer ones: the new one, or those that it explains."""
    newer = [note.hit for note in notes if note.judged.sent.at > new.judged.sent.at]
    yield from _together(new, newer)
    for note in notes:
        if note.judged.sent.at < new.judged.sent.at:
            yield from _together(note, [new.hit])


def _together(older: Note, newer: Sequence[Hit]) -> Iterator[HitRelated]:
    found = None if older.told else threads.find(older.hit, newer)
    if found is not None:
        yield from _told(older, threads.OLDER, int(found.evidence[0].values["seconds"]))


def _told(note: Note, rule: Rule, value: int) -> Iterator[HitRelated]:
    """Once of each hit."""
    if note.told:
        return
    note.told = True
    message_id, hit, sent = note.judged
    yield HitRelated(
        event_id=derived_id("hit-related", hit.hit_id, rule.id, value),
        occurred_at=hit.at,
        account_id=sent.account_id,
        message_id=message_id,
        hit_id=hit.hit_id,
        rule=cast(AcrossMessages, rule.id),
        value=value,
    )
