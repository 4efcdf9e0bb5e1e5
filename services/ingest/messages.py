"""The shapes of the send API: what is asked and what is answered."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

from shared.directory.contract import RecordRef, UnloggedReason, UntrackedReason
from shared.events.sends import Source

MAX_RECIPIENTS = 500
MAX_LINKS = 1000
MAX_LINK_BYTES = 4096
MAX_VIEWED = 200
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _moment(value: object) -> object:
    """Only RFC 3339 text; pydantic would also take numbers as Unix time."""
    if not isinstance(value, str):
        raise ValueError("should be a string, RFC 3339 with an offset")
    if not _MOMENT.fullmatch(value):
        raise ValueError("should be RFC 3339 with an offset, like 2026-11-24T09:00:00Z")
    moment = datetime.fromisoformat(value.upper())
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # at the very ends of the calendar there is no such time in UTC
        return moment.replace(tzinfo=UTC)


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mailbox(_Model):
    """An address with the name beside it."""

    address: str = Field(min_length=3, max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")
    name: str = Field(default="", max_length=256)


class PrepareRequest(_Model):
    """A mail about to be sent."""

    source: Source = Source.GMAIL
    from_: Mailbox = Field(alias="from")
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = Field(
        default=(), description=f"To, Cc and Bcc together: at most {MAX_RECIPIENTS}"
    )
    subject: str = Field(default="", max_length=2000)
    links: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_LINKS,
        description="http and https addresses in the order of the mail, byte for byte, each at most "
        f"{MAX_LINK_BYTES} bytes",
    )
    track: StrictBool
    log: StrictBool
    records: tuple[RecordRef, ...] = Field(default=(), max_length=200, description="ticked under Log")
    create_contacts: tuple[Annotated[str, Field(max_length=320)], ...] = Field(
        default=(), max_length=MAX_RECIPIENTS, description="addresses ticked under Create as new contact"
    )
    provider_thread_id: str | None = Field(default=None, max_length=200)


class TrackedLink(_Model):
    """A link and what to put in its place."""

    url: str
    tracked_url: str


class Prepared(_Model):
    """The decision, and what goes into the mail. Asking again with the key gives the same bytes."""

    message_id: UUID
    receipt: str = Field(description="needed by sent, scheduled, cancelled and uploads; lasts 30 days")
    tracked: bool
    untracked_reason: UntrackedReason | None
    logged: bool
    unlogged_reason: UnloggedReason | None
    anonymous: bool
    pixel_url: str | None
    links: tuple[TrackedLink, ...]
    policy_version: int
    prepared_at: datetime


class SentRequest(_Model):
    """The mail system has taken the mail."""

    receipt: str = Field(max_length=4096)
    occurred_at: Moment | None = Field(default=None, description="when; by default now")
    provider_message_id: str | None = Field(default=None, max_length=200)
    provider_thread_id: str | None = Field(default=None, max_length=200)


class ScheduledRequest(SentRequest):
    """The mail goes out at `send_at`."""

    send_at: Moment


State = Literal["sent", "scheduled", "cancelled"]


class Accepted(_Model):
    """The broker has the new state."""

    message_id: UUID
    state: State


class ViewingRequest(_Model):
    """The rep sees these messages now: hits on them are the rep's own."""

    message_ids: tuple[UUID, ...] = Field(min_length=1, max_length=MAX_VIEWED)


class ViewingAccepted(_Model):
    """How many are stored."""

    accepted: int


class ReplySeen(_Model):
    """An answer to a mail that the rep sent."""

    message_id: UUID = Field(description="the mail that was answered")
    reply_id: str = Field(
        min_length=1, max_length=200, description="the answer's own id in the mail system; it is not kept"
    )
    occurred_at: Moment = Field(description="when the answer came, as the mail system says")
    slot: StrictInt | None = Field(
        default=None,
        ge=0,
        lt=MAX_RECIPIENTS,
        description="which recipient answered, counted over To, Cc and Bcc; none where that is not known, or "
        "the mail is anonymous",
    )


class RepliesRequest(_Model):
    """The rep has these answers: so the mails were open. Repeating it has one effect."""

    replies: tuple[ReplySeen, ...] = Field(min_length=1, max_length=MAX_VIEWED)


class RepliesAccepted(_Model):
    """How many are stored; those to mails that are no longer tracked are not."""

    accepted: int
