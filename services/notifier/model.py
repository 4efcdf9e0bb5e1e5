"""What a replica holds in memory: the recent events, the ids that it has seen, the ended sign-ins."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from shared.auth.tokens import LIFETIME, SignedIn
from shared.telemetry.tracing import KafkaHeaders

RAISED = "notification_raised"
RETRACTED = "notification_retracted"
FEED_CHANGED = "feed_changed"
SETTINGS_CHANGED = "settings_changed"
SIGN_IN_REVOKED = "sign_in_revoked"
_REVOCATION_KEPT = LIFETIME + timedelta(minutes=5)  # then the last token of that sign-in is over
_ID_LENGTH = 36


class Unreadable(ValueError):
    """The bytes are no event for a screen; the reason quotes no value."""


class ReplayExpired(RuntimeError):
    """Kafka has dropped some of it, or it is more than is read for one client: load afresh."""


class ReplayUnavailable(RuntimeError):
    """The broker does not answer; the client may come again with the same cursor."""


class Entry(NamedTuple):
    """One event for a user's screens. `body` is passed on as it came, and ids are as they are spelled in it:
    a UUID object of each would cost more than all else that is done with an event.

    `about`: what it is about, for folding: a notification, a message, a sign-in; else empty.
    `at`: the broker's time in seconds; `occurred_at`: the event's own.
    """

    partition: int
    offset: int
    at: float
    type: str
    event_id: str
    user_id: str
    occurred_at: datetime
    about: str
    body: bytes
    headers: KafkaHeaders = ()


_ABOUT = {
    RAISED: "notification_id",
    RETRACTED: "notification_id",
    FEED_CHANGED: "message_id",
    SIGN_IN_REVOKED: "sign_in_id",
}


def read_entry(
    partition: int, offset: int, at: float, value: bytes | None, headers: KafkaHeaders = ()
) -> Entry:
    """The event of a record, lenient: only what is needed here is looked at. Raises Unreadable."""
    try:
        event = orjson.loads(value or b"")
        kind = event["type"]
        about = event.get(_ABOUT.get(kind, ""))
        occurred_at = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC)
        event_id, user_id, about = _id(event["event_id"]), _id(event["user_id"]), about and _id(about)
        body = value or b""
        return Entry(partition, offset, at, kind, event_id, user_id, occurred_at, about or "", body, headers)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None


def _id(spelled: str) -> str:
    if type(spelled) is not str or len(spelled) != _ID_LENGTH:
        raise ValueError
    return spelled.lower()  # ids are compared with others' spelling, those of revoked sign-ins too


class Ring:
    """The recent events, by user. Bounded by time and by number; the oldest go first.

    Per partition it is complete from `floor` to `next`.
    """

    def __init__(self, span_s: float, limit: int) -> None:
        self._span_s = span_s
        self._limit = limit
        self._all: deque[Entry] = deque()
        self._by_user: dict[str, deque[Entry]] = {}
        self._floor: dict[int, int] = {}
        self._next: dict[int, int] = {}

    def begin(self, starts: dict[int, int]) -> None:
        """Forget everything; reading begins at these offsets."""
        self._all.clear()
        self._by_user.clear()
        self._floor = dict(starts)
        self._next = dict(starts)

    def floor(self, partition: int) -> int:
        """The first offset from which nothing is missing here."""
        return self._floor[partition]

    def next(self, partition: int) -> int:
        """The first offset that has not been read."""
        return self._next[partition]

    def partitions(self) -> list[int]:
        """What is read."""
        return list(self._next)

    def passed(self, partition: int, next_offset: int) -> None:
        """All below was read, whether kept or not."""
        self._next[partition] = max(next_offset, self._next[partition])

    def keep(self, entry: Entry) -> None:
        """Add an event; drop what is too much."""
        self._all.append(entry)
        mine = self._by_user.get(entry.user_id)
        if mine is None:
            self._by_user[entry.user_id] = deque((entry,))
        else:
            mine.append(entry)
        if len(self._all) > self._limit:
            self._drop_oldest()

    def drop_before(self, at: float) -> None:
        """Drop what is older than the span, seen from `at` (seconds)."""
        while self._all and self._all[0].at < at - self._span_s:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        entry = self._all.popleft()
        mine = self._by_user[entry.user_id]
        mine.popleft()
        if not mine:
            del self._by_user[entry.user_id]
        self._floor[entry.partition] = entry.offset + 1

    def of(self, user_id: str, from_offset: int) -> list[Entry]:
        """The user's kept events from an offset on, in order."""
        return [entry for entry in self._by_user.get(user_id, ()) if entry.offset >= from_offset]

    def __len__(self) -> int:
        return len(self._all)


class SeenEvents:
    """Where each event id was first seen; the oldest are forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def first_time(self, event_id: str, epoch: bytes, offset: int) -> bool:
        """Note an event; whether it is new."""
        if event_id in self._places:
            return False
        self._places[event_id] = (epoch, offset)
        if len(self._places) > self._limit:
            self._places.popitem(last=False)
        return True

    def is_copy(self, event_id: str, epoch: bytes, offset: int) -> bool:
        """Whether the event was first seen at another offset of the same log."""
        place = self._places.get(event_id)
        return place is not None and place[0] == epoch and place[1] != offset


class Revocations:
    """Sign-ins that ended while tokens of theirs are still valid."""

    def __init__(self) -> None:
        self._sign_ins: dict[str, datetime] = {}
        self._users: dict[str, datetime] = {}

    def add(self, user_id: str, sign_in_id: str | None, at: datetime) -> None:
        """One sign-in, or all of the user's that exist at that time."""
        if sign_in_id is None:
            self._users[user_id] = max(at, self._users.get(user_id, at))
        else:
            self._sign_ins[sign_in_id] = at

    def ended(self, who: SignedIn) -> bool:
        """Whether the bearer's sign-in was revoked. A token's `iat` is in whole seconds, so a token
        made in the second of the revocation counts as older."""
        if str(who.sign_in_id) in self._sign_ins:
            return True
        revoked_at = self._users.get(str(who.user_id))
        issued_at = who.issued_at or who.expires_at - LIFETIME
        return revoked_at is not None and issued_at <= revoked_at

    def forget(self, now: datetime) -> None:
        """Drop those whose last token is over."""
        for kept in (self._sign_ins, self._users):
            for key in [key for key, at in kept.items() if now - at > _REVOCATION_KEPT]:
                del kept[key]


def copies_removed(entries: Iterable[Entry], seen: SeenEvents, epoch: bytes) -> list[Entry]:
    """Each event once: not again within `entries`, nor where a first copy stands elsewhere."""
    unique: dict[str, Entry] = {}
    for entry in entries:
        if not seen.is_copy(entry.event_id, epoch, entry.offset):
            unique.setdefault(entry.event_id, entry)
    return list(unique.values())
