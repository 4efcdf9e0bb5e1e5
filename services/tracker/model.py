"""What the tracker reasons about: plain values, no event, no address, no user agent.

A hit keeps only what a later judgement may need: its time, what was fetched, and two fingerprints
that answer "the same client?" and "the same browser?" inside this process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from shared.events.engagements import EngagementKind, Evidence, Verdict

if TYPE_CHECKING:
    from services.tracker.rules.rule import Rule

ALWAYS = datetime.min.replace(tzinfo=UTC)
COUNTED = frozenset({Verdict.HUMAN, Verdict.PROXIED_HUMAN})  # what turns Sent into Opened (T3)


class SendState(StrEnum):
    """How far a message has come."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    SENT = "sent"


class Sent(NamedTuple):
    """What the tracker keeps of a message. `judged_from`: hits from then on are judged, None: none are.

    `at`: when it was sent (or scheduled, or cancelled). `order` decides between two states. `thread`: the
    mail system's id of the thread, opaque.
    """

    event_id: UUID
    state: SendState
    at: datetime
    judged_from: datetime | None
    account_id: UUID
    user_id: UUID
    recipient_count: int
    anonymous: bool
    tracked: bool
    thread: str | None = None

    @property
    def order(self) -> tuple[bool, datetime, bool, UUID]:
        """The greatest wins, in whatever order they come: of sent and cancelled the later one."""
        return self.state is not SendState.SCHEDULED, self.at, self.state is SendState.SENT, self.event_id


class Finding(NamedTuple):
    """What a family of rules says about a hit."""

    verdict: Verdict
    confidence: float
    evidence: tuple[Evidence, ...]


class Hit(NamedTuple):
    """A fetch, after the rules that look at it alone. Sorts by time; `hit_id` decides a tie.

    `client`: user agent and address (an image proxy's address changes and is left out).
    `browser`: user agent alone. `address`: None when it is unknown. All three only compare equal
    or not, and only within this process. `doubts`: rules that speak against a person, none of which
    decides alone. `by_mail_program`: the agent names a program that shows mail to a reader.
    `is_whole_visit`: a link with all headers that a browser sends for a person;
    `has_language`: with its language at least. `is_ipv6`: of the address.
    `told_by`: of a reply, which is no fetch, the account and the user whose mailbox it came to, and
    `replied_at`: when it came, which is earlier than its place.
    """

    at: datetime
    hit_id: UUID
    kind: EngagementKind
    slot: int | None
    link_index: int | None
    is_head: bool
    client: int
    browser: int
    address: int | None
    finding: Finding
    doubts: "tuple[Rule, ...]" = ()
    by_mail_program: bool = False
    is_whole_visit: bool = False
    has_language: bool = False
    is_ipv6: bool = False
    told_by: tuple[UUID, UUID] | None = None
    replied_at: datetime | None = None

    @property
    def happened_at(self) -> datetime:
        """When it was fetched, or answered."""
        return self.replied_at or self.at


class Beacon(NamedTuple):
    """A user says: I am viewing this message now. Sorts by time."""

    at: datetime
    beacon_id: UUID
    account_id: UUID
    user_id: UUID
    browser: int | None
    address: int | None
    is_ipv6: bool = False


class Related(NamedTuple):
    """A hit belongs to what was fetched from other messages: `rule` says so, `value` is its evidence.

    `at`: of the hit.
    """

    at: datetime
    hit_id: UUID
    rule: str
    value: int


class Judged(NamedTuple):
    """A hit that is judged for the first time, and its message."""

    message_id: UUID
    hit: Hit
    sent: Sent


class Session(NamedTuple):
    """One reading: hits of one slot with no pause of 30 minutes between them."""

    session_id: UUID
    last: datetime
    opened: bool = False
    clicked: bool = False


class Recent(NamedTuple):
    """A hit that a repetition may fold into."""

    at: datetime
    kind: EngagementKind
    slot: int | None
    link_index: int | None
    client: int
    is_head: bool
    engagement_id: UUID
    session_id: UUID
    finding: Finding


@dataclass(frozen=True, slots=True)
class Lasting:
    """What stays known of a message for ever: engagement ids of what was counted first, and when each slot
    was last read or followed by a person."""

    first_open: UUID | None = None
    first_click: UUID | None = None
    opened: Mapping[int | None, UUID] | None = None
    read_at: Mapping[int | None, datetime] | None = None

    def open_of(self, slot: int | None) -> UUID | None:
        """The open that a click of this slot needs no inferring for."""
        return None if self.opened is None else self.opened.get(slot)

    def open_by(self, slot: int | None) -> UUID | None:
        """The open that a reply of this recipient needs no inferring for; None: of anybody."""
        return self.first_open if slot is None else self.open_of(slot)


class Surroundings(NamedTuple):
    """What is known around a hit when it is judged.

    `around`: hits of the message within `bursts.AROUND`, itself included, by time. `newer`: hits on newer
    messages of its thread. `elsewhere`: hits on the account's other mails to the same domain, with their
    messages. `related`: by rule, what was seen of the hit together with other messages while it was live.
    `was_read`: an open or a click counted before it.
    """

    sent: Sent
    beacons: "Sequence[Beacon]" = ()
    around: Sequence[Hit] = ()
    newer: Sequence[Hit] = ()
    elsewhere: Sequence[tuple[UUID, Hit]] = ()
    related: Mapping[str, int] = {}
    was_read: bool = False


class Cursor(NamedTuple):
    """All that judging a hit needs to know of the hits before it."""

    lasting: Lasting = Lasting()
    sessions: Mapping[int | None, Session] = {}
    recent: tuple[Recent, ...] = ()


class Judgement(NamedTuple):
    """The verdict on a hit, or an open inferred from it.

    `raises`: the rep is told. `held`: not at once (B3). `previous_at`: when the slot was read before.
    """

    engagement_id: UUID
    kind: EngagementKind
    finding: Finding
    session_id: UUID
    candidates: tuple[int, ...]
    folded_into: UUID | None = None
    first: bool = False
    inferred: bool = False
    raises: bool = False
    held: bool = False
    previous_at: datetime | None = None


class Change(NamedTuple):
    """A judgement to tell the world, and the one that it replaces."""

    sent: Sent
    message_id: UUID
    hit: Hit
    judgement: Judgement
    revision: int
    previous: Judgement | None
