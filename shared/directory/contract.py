"""Questions to crm's directory and its answers (HTTP, JSON, service token).

`POST /internal/v1/messages`: ingest, at prepare. crm decides the policy and records the message.
`GET  /internal/v1/messages/{message_id}/log-inputs`: logger, at sent. Ids only, no person.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.log_decisions import RecordType
from shared.events.sends import Source


class DirectoryModel(BaseModel):
    """Immutable; unknown fields are refused: both sides are released together."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordRef(DirectoryModel):
    """One CRM record."""

    record_type: RecordType
    record_id: UUID


class RecipientField(StrEnum):
    """The header line that a recipient stands in."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


class Recipient(DirectoryModel):
    """A recipient; its slot is its position in `PreparedMessage.recipients`."""

    address: str = Field(max_length=320)
    name: str = Field(default="", max_length=256)
    field: RecipientField


class PreparedMessage(DirectoryModel):
    """A mail about to be sent. `fingerprint`: SHA-256 (hex) of what the client asked, so that the
    same id with another question is noticed. `api_token_id`: the API token that it is asked with, if any."""

    message_id: UUID
    account_id: UUID
    user_id: UUID
    source: Source
    from_address: str = Field(max_length=320)
    subject: str = Field(max_length=2000)
    recipients: tuple[Recipient, ...]
    links: tuple[str, ...]
    track: bool
    log: bool
    records: tuple[RecordRef, ...]
    create_contacts: tuple[str, ...]
    provider_thread_id: str | None = None
    prepared_at: datetime
    fingerprint: str
    api_token_id: UUID | None = None


UntrackedReason = Literal["not_asked", "account_tracking_off", "no_legal_basis", "recipient_never_tracked"]
UnloggedReason = Literal["not_asked", "account_logging_off", "recipients_never_logged"]


class Policy(DirectoryModel):
    """What crm decided. A refusal (sender not ours, fingerprint differs) is a problem instead.

    `prepared_at` is that of the first asking, so that repeating it changes nothing.
    """

    tracked: bool
    untracked_reason: UntrackedReason | None
    logged: bool
    unlogged_reason: UnloggedReason | None
    anonymous: bool
    policy_version: int
    prepared_at: datetime


class RecipientInput(DirectoryModel):
    """A recipient as the logging rules need it."""

    slot: int
    contact_id: UUID | None
    never_logged_by: UUID | None = Field(default=None, description="the never-log entry that matches")
    create_contact: bool = Field(default=False, description="ticked under Create as new contact")


class TickedRecord(DirectoryModel):
    """A record that was ticked when Send was pressed; `exists` now and in this account."""

    record_type: RecordType
    record_id: UUID
    exists: bool


class LogInputs(DirectoryModel):
    """All that a logging decision reads. Kept beside the decision, so that it can be run again."""

    message_id: UUID
    account_id: UUID
    user_id: UUID
    sender_is_ours: bool
    log_asked: bool
    account_logging: bool
    account_marketing: bool = Field(default=True, description="the account uses marketing contacts (L6)")
    recipients: tuple[RecipientInput, ...]
    ticked: tuple[TickedRecord, ...]
