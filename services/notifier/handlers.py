"""The hub: each event of the topic goes into the ring and out to the sockets of its user.

Everything here runs in one event loop without waiting, so attaching a socket and reading the ring
are one step: nothing falls between what is replayed and what is live.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from opentelemetry.trace import SpanKind

from services.notifier import messages
from services.notifier.cursor import Cursor, epoch_of, open_cursor, seal_cursor
from services.notifier.messages import Close, Push
from services.notifier.model import (
    RAISED,
    SIGN_IN_REVOKED,
    Entry,
    ReplayExpired,
    Revocations,
    Ring,
    SeenEvents,
    Unreadable,
    copies_removed,
    read_entry,
)
from services.notifier.outlet import Outlet, offer_event
from services.notifier.policy import Policies
from services.notifier.rules import Replayed, Resume, ResyncReason, Source, fold, resume
from shared.auth.tokens import SignedIn
from shared.telemetry.names import NOTIFICATIONS_UNREADABLE, RESYNCS, SOCKETS
from shared.telemetry.tracing import KafkaHeaders, context_from_kafka, is_sampled, span
from shared.tokens.keyring import KeyRing

log = structlog.get_logger(__name__)


PartitionOf = Callable[[str, int], int]
"""The partition of a user among so many."""


class Refused(Exception):
    """The socket may not be served."""

    def __init__(self, why: Close) -> None:
        super().__init__(why.name)
        self.why = why


@dataclass(frozen=True, slots=True)
class Attached:
    """A socket that is served: how it resumes, and the part of its past that the ring holds.

    `missing`: the offsets from and up to which Kafka has to be read first.
    """

    epoch: bytes
    partition: int
    resume: Resume
    kept: list[Entry]
    missing: tuple[int, int] | None


class Hub:
    """One per process."""

    def __init__(
        self,
        ring: Ring,
        seen: SeenEvents,
        keys: KeyRing,
        partition_of: PartitionOf,
        sockets_per_user: int,
        policies: Policies | None = None,
    ) -> None:
        self.policies = policies or Policies()
        self.ring = ring
        self.epoch = b""
        self.revocations = Revocations()
        self._seen = seen
        self._keys = keys
        self._partition_of = partition_of
        self._sockets_per_user = sockets_per_user
        self._outlets: dict[str, set[Outlet]] = {}

    def begin(self, cluster_id: str, starts: dict[int, int]) -> None:
        """Another log begins: whoever is connected has to load afresh."""
        self.epoch = epoch_of(cluster_id)
        self.ring.begin(starts)
        for outlets in self._outlets.values():
            for outlet in outlets:
                outlet.from_offset = 0
                outlet.offer(self._resync(outlet.user_id, "other_epoch"))

    def take(
        self, partition: int, offset: int, at: float, value: bytes | None, headers: KafkaHeaders
    ) -> None:
        """One record of the topic, in the order of its partition."""
        self.ring.passed(partition, offset + 1)
        try:
            entry = read_entry(partition, offset, at, value, headers)
        except Unreadable as error:
            NOTIFICATIONS_UNREADABLE.inc()
            log.warning("an unreadable notification", partition=partition, offset=offset, reason=str(error))
            return
        if not self._seen.first_time(entry.event_id, self.epoch, offset):
            return
        if entry.type == SIGN_IN_REVOKED:
            self._sign_in_revoked(entry)
            return
        self.ring.keep(entry)
        self._push(entry)

    def _push(self, entry: Entry) -> None:
        outlets = self._outlets.get(entry.user_id)
        if not outlets:
            return
        cursor = self.cursor(entry.partition, entry.offset + 1)
        push = Push(
            messages.event(cursor, entry.body, self.policies.silence(entry, utc_now())),
            entry.type,
            entry.occurred_at if entry.type == RAISED else None,
        )
        if entry.headers and is_sampled(entry.headers):
            with span("push", kind=SpanKind.PRODUCER, parent=context_from_kafka(entry.headers)):
                offer_event(push, entry.offset, outlets)
        else:
            offer_event(push, entry.offset, outlets)

    def _sign_in_revoked(self, entry: Entry) -> None:
        sign_in_id = entry.about or None
        self.revocations.add(entry.user_id, sign_in_id, entry.occurred_at)
        for outlet in self._outlets.get(entry.user_id, ()):
            if sign_in_id in (None, outlet.sign_in_id):
                outlet.end(Close.REVOKED)

    def attach(self, outlet: Outlet, who: SignedIn, after: str | None) -> Attached:
        """Serve a socket from its cursor on, or from now on. Raises Refused."""
        if self.revocations.ended(who):
            raise Refused(Close.REVOKED)
        mine = self._outlets.setdefault(outlet.user_id, set())
        if len(mine) >= self._sockets_per_user:
            raise Refused(Close.TOO_MANY_SOCKETS)
        partition = self._partition(outlet.user_id)
        floor, live = self.ring.floor(partition), self.ring.next(partition)
        if after is None:
            how = Resume(live, Source.NONE)
        else:
            how = resume(open_cursor(self._keys, after), self.epoch, partition, floor, live)
        kept = [] if how.source is Source.NONE else self.ring.of(outlet.user_id, how.from_offset)
        missing = (how.from_offset, floor) if how.source is Source.KAFKA else None
        outlet.from_offset = max(live, how.from_offset)
        mine.add(outlet)
        SOCKETS.inc()
        return Attached(self.epoch, partition, how, kept, missing)

    def detach(self, outlet: Outlet) -> None:
        """The socket is gone."""
        mine = self._outlets.get(outlet.user_id, set())
        if outlet in mine:
            mine.remove(outlet)
            SOCKETS.dec()
        if not mine:
            self._outlets.pop(outlet.user_id, None)

    def renew(self, outlet: Outlet, who: SignedIn) -> None:
        """The socket's user authenticates again. Raises Refused."""
        if str(who.user_id) != outlet.user_id:
            raise Refused(Close.NOT_AUTHENTICATED)
        if self.revocations.ended(who):
            raise Refused(Close.REVOKED)
        outlet.sign_in_id = str(who.sign_in_id)

    def end_all(self, why: Close) -> None:
        """The process stops."""
        for outlets in self._outlets.values():
            for outlet in outlets:
                outlet.end(why)

    def greeting(self, attached: Attached) -> Push:
        """`ready`, with the cursor from which the socket is served."""
        cursor = seal_cursor(
            self._keys, Cursor(attached.epoch, attached.partition, attached.resume.from_offset)
        )
        return Push(messages.ready(cursor), "ready")

    def past(self, attached: Attached, from_kafka: list[Entry], now: datetime, most: int) -> list[Push]:
        """What the client missed; a resync if its cursor leads nowhere or the log has changed since.

        Raises ReplayExpired for more than `most`.
        """
        if attached.resume.resync is not None:
            return [self._resync_at(attached, attached.resume.resync)]
        if attached.epoch != self.epoch:
            return []  # `begin` has queued a resync
        pushable = [entry for entry in from_kafka if entry.type != SIGN_IN_REVOKED]
        missed = copies_removed([*pushable, *attached.kept], self._seen, attached.epoch)
        told = fold(missed, now, self.policies.silence)
        if len(told) > most:
            raise ReplayExpired
        return [self._replayed(attached.partition, one) for one in told]

    def expired(self, outlet: Outlet) -> Push:
        """Kafka holds what the client missed no more, or too much of it."""
        return self._resync(outlet.user_id, "cursor_expired", outlet.from_offset)

    def _replayed(self, partition: int, told: Replayed) -> Push:
        cursor = self.cursor(partition, told.next_offset)
        if told.entry is None:
            return Push(messages.summary(cursor, told.count, told.newest), "summary")
        return Push(messages.event(cursor, told.entry.body, told.silent), told.entry.type)

    def _resync(self, user_id: str, reason: ResyncReason, next_offset: int | None = None) -> Push:
        partition = self._partition(user_id)
        place = self.ring.next(partition) if next_offset is None else next_offset
        RESYNCS.labels(reason).inc()
        return Push(messages.resync(self.cursor(partition, place), reason), "resync")

    def _resync_at(self, attached: Attached, reason: ResyncReason) -> Push:
        RESYNCS.labels(reason).inc()
        cursor = seal_cursor(
            self._keys, Cursor(attached.epoch, attached.partition, attached.resume.from_offset)
        )
        return Push(messages.resync(cursor, reason), "resync")

    def cursor(self, partition: int, next_offset: int) -> str:
        """The sealed cursor of a place in the present log."""
        return seal_cursor(self._keys, Cursor(self.epoch, partition, next_offset))

    def _partition(self, user_id: str) -> int:
        return self._partition_of(user_id, len(self.ring.partitions()))

    def tidy(self, now: datetime) -> None:
        """Drop what is too old to be needed."""
        self.ring.drop_before(now.timestamp())
        self.revocations.forget(now)


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)
