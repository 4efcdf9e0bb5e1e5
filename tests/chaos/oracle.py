"""The oracle: sets of numbered events, compared. Pure: no clock, no client, no file.

What a client was told is done (`Acknowledged`) must be on Kafka (`OnKafka`), in MongoDB (`Stored`) and, where
it is news, on every screen (`Pushed`); nowhere twice. A request whose answer was lost may have had its
effect or not, so it is in no set of `Acknowledged`, and finding it is no fault.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

Place = tuple[int, UUID]
"""The number of a hit, and an event id that carries it."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`hits`: number → the message that was fetched. `sends`: messages whose sending was accepted."""

    hits: Mapping[int, UUID] = field(default_factory=dict)
    sends: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Raised:
    """A pop-up as it stands on Kafka, for the first time. `partition`, `offset`: where."""

    notification_id: UUID
    message_id: UUID | None
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class OnKafka:
    """`hits`: every copy. `sends`: messages that are sent. `retracted`: notification ids."""

    hits: Sequence[Place] = ()
    sends: frozenset[UUID] = frozenset()
    raised: Sequence[Raised] = ()
    retracted: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """`archive`: every raw hit. `engagements`: (hit, kind, whether it was inferred) of each. `sent`: messages
    that the feed says are sent. `decided`: messages with a logging decision. `timeline`: message,
    engagement (None: the mail itself) and record of each row."""

    archive: Sequence[Place] = ()
    engagements: Sequence[tuple[UUID, str, bool]] = ()
    sent: frozenset[UUID] = frozenset()
    decided: frozenset[UUID] = frozenset()
    timeline: Sequence[tuple[UUID, UUID | None, UUID]] = ()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What one client got. `events`: every event id, each time. `told`: notifications raised, retracted or
    named by a summary. `reloaded`: partition → offset below which it was told to load afresh."""

    events: Sequence[UUID] = ()
    told: frozenset[UUID] = frozenset()
    reloaded: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something lost or doubled: where, and what."""

    where: str
    what: Hashable


@dataclass(frozen=True, slots=True)
class Verdict:
    """Empty lists: the promises held."""

    acked_lost: tuple[Finding, ...] = ()
    stored_twice: tuple[Finding, ...] = ()
    pushed_twice: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return self.acked_lost + self.stored_twice + self.pushed_twice

    @property
    def clean(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not self.findings

    def __str__(self) -> str:
        parts = ((name, getattr(self, name)) for name in ("acked_lost", "stored_twice", "pushed_twice"))
        return ", ".join(f"{name} {len(found)}{_by_place(found)}" for name, found in parts)


def judge(
    acknowledged: Acknowledged, on_kafka: OnKafka, stored: Stored, screens: Mapping[str, Pushed]
) -> Verdict:
    """Compare the sets."""
    return Verdict(
        tuple(_lost(acknowledged, on_kafka, stored, screens)),
        tuple(_stored_twice(on_kafka, stored)),
        tuple(_pushed_twice(screens)),
    )


def _lost(
    acknowledged: Acknowledged, on_kafka: OnKafka, stored: Stored, screens: Mapping[str, Pushed]
) -> Iterable[Finding]:
    event_of = dict(on_kafka.hits)
    archived = {number for number, _ in stored.archive}
    judged = {hit for hit, _, is_inferred in stored.engagements if not is_inferred}
    for number, message in acknowledged.hits.items():
        if number not in event_of:
            yield Finding("hit on Kafka", number)
        elif message in acknowledged.sends and event_of[number] not in judged:
            yield Finding("engagement of hit", number)
        if number not in archived:
            yield Finding("hit in the archive", number)
    places = {
        "send on Kafka": on_kafka.sends,
        "send in the feed": stored.sent,
        "decision": stored.decided,
        "mail on a timeline": {message for message, engagement, _ in stored.timeline if engagement is None},
    }
    for place, there in places.items():
        yield from (Finding(place, message) for message in acknowledged.sends - there)
    for screen, pushed in screens.items():
        yield from (Finding(f"push to {screen}", id_) for id_ in _not_told(on_kafka, pushed))


def _not_told(on_kafka: OnKafka, pushed: Pushed) -> Iterable[UUID]:
    for raised in on_kafka.raised:
        explained = raised.offset < pushed.reloaded.get(raised.partition, 0)
        known = raised.notification_id in pushed.told or raised.notification_id in on_kafka.retracted
        if not (explained or known):
            yield raised.notification_id


def _stored_twice(on_kafka: OnKafka, stored: Stored) -> Iterable[Finding]:
    """Copies of one event are one effect; two event ids of one hit are two."""
    places: dict[str, Iterable[Hashable]] = {
        "hit on Kafka": (number for number, _ in set(on_kafka.hits)),
        "hit in the archive": (number for number, _ in stored.archive),
        "engagement": stored.engagements,
        "timeline row": stored.timeline,
    }
    for place, things in places.items():
        yield from (Finding(place, thing) for thing in _repeated(things))


def _pushed_twice(screens: Mapping[str, Pushed]) -> Iterable[Finding]:
    for screen, pushed in screens.items():
        yield from (Finding(f"push to {screen}", id_) for id_ in _repeated(pushed.events))


def _repeated(things: Iterable[Hashable]) -> list[Hashable]:
    return [thing for thing, count in Counter(things).items() if count > 1]


def _by_place(found: Sequence[Finding]) -> str:
    counts = Counter(finding.where for finding in found)
    return f" ({', '.join(f'{place}: {count}' for place, count in counts.items())})" if counts else ""
