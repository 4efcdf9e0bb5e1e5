"""Messages: what a rep sends, and the row that the rep's feed shows of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.crm.model.attachments import Attachment
from services.crm.model.base import Model
from services.crm.model.origins import LocatedEngagement
from shared.directory.contract import RecipientField, RecordRef, UnloggedReason, UntrackedReason
from shared.events.engagements import Evidence, Verdict
from shared.events.log_decisions import RecordType
from shared.events.sends import Source


class MessageState(StrEnum):
    """How far a message has come."""

    PREPARED = "prepared"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    SENT = "sent"


class MessageRecipient(Model):
    """A recipient. `contact_id`: the contact that it was when the mail was prepared, or became when it was
    logged. `never_logged_by`: the never-log entry that covered it when the mail was prepared."""

    slot: int
    address: str
    name: str = ""
    field: RecipientField
    contact_id: UUID | None = None
    never_logged_by: UUID | None = None


class Tally(Model):
    """What the engagements of a message come to; always computed from all of them."""

    opens: int = 0
    clicks: int = 0
    first_open_at: datetime | None = None
    last_open_at: datetime | None = None
    possible_open_at: datetime | None = None
    last_verdict: Verdict | None = None
    last_evidence: tuple[Evidence, ...] = ()
    last_hit_at: datetime | None = None
    link_clicks: dict[str, int] = Field(default_factory=dict, description="by link index")


class Draft(Model):
    """What was prepared: known from the directory alone, never from an event."""

    source: Source
    from_address: str
    subject: str
    recipients: tuple[MessageRecipient, ...]
    links: tuple[str, ...]
    records: tuple[RecordRef, ...]
    create_contacts: tuple[str, ...]
    fingerprint: str
    track_asked: bool
    log_asked: bool
    tracked: bool
    untracked_reason: UntrackedReason | None
    logged: bool
    unlogged_reason: UnloggedReason | None
    anonymous: bool
    policy_version: int
    prepared_at: datetime
    provider_thread_id: str | None = None


class HandEdit(Model):
    """A record on which somebody put the logged mail, or off which they took it."""

    record_type: RecordType
    record_id: UUID
    added: bool
    user_id: UUID
    at: datetime


class Message(Model):
    """A message as crm knows it.

    `draft` None: an orphan, known from events only (its events are kept until the draft comes).
    `last_send`: the newest event of email.sends as JSON, kept to restore an emptied broker.
    `deleted_at`: since then it stands on no timeline, and nothing brings it back; its rep's feed keeps it.
    `hand_edits`: the last one of each record; they hold whatever the logger says, also when it says it again.
    """

    id: UUID
    user_id: UUID
    draft: Draft | None = None
    state: MessageState = MessageState.PREPARED
    tracked: bool = False
    anonymous: bool = False
    sent_at: datetime | None = None
    send_at: datetime | None = None
    last_send: str | None = None
    tally: Tally = Tally()
    has_body: bool = False
    attachments: tuple[Attachment, ...] = Field(default=(), description="by index")
    deleted_at: datetime | None = None
    hand_edits: tuple[HandEdit, ...] = ()


class Body(Model):
    """An uploaded body as it came: not sanitised. `pending_until` None: kept."""

    html: str
    text: str
    pending_until: datetime | None


class FeedState(StrEnum):
    """T3: *Sent* until the first open that counts, then *Opened*."""

    SENT = "sent"
    OPENED = "opened"


class FeedRecipient(Model):
    """A recipient as the feed shows it."""

    slot: int
    name: str
    address: str
    contact_id: UUID | None


class FeedLink(Model):
    """A link of the mail and how often it was followed by people."""

    index: int
    url: str
    clicks: int


class FeedRow(Model):
    """One tracked mail in the feed of the rep who sent it.

    `possible_open`: a privacy proxy fetched the pixel, so nobody can know (only while *Sent*).
    `last_verdict`, `last_evidence`: of the newest hit, whatever it was. `muted`: no pop-ups about it,
    as the rep wishes; `muted_slots`: none about these recipients.
    """

    message_id: UUID
    subject: str
    recipients: tuple[FeedRecipient, ...]
    state: FeedState
    possible_open: bool
    anonymous: bool
    sent_at: datetime
    first_open_at: datetime | None
    last_open_at: datetime | None
    opens: int
    clicks: int
    last_verdict: Verdict | None
    last_evidence: tuple[Evidence, ...]
    links: tuple[FeedLink, ...]
    muted: bool = False
    muted_slots: tuple[int, ...] = ()


class FeedDetail(FeedRow):
    """A feed row with each engagement, newest first (at most the newest 200)."""

    engagements: tuple[LocatedEngagement, ...]

    @property
    def row(self) -> FeedRow:
        """The row alone."""
        return self
