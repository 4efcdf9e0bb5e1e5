"""A mail as people read it: its header, where it stands and why, what became of it."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.crm.model.attachments import NamedAttachment
from services.crm.model.base import Model
from services.crm.model.engagements import Engagement
from services.crm.model.messages import MessageState
from shared.directory.contract import RecipientField
from shared.events.log_decisions import LogOutcome, RecordType


class Correspondent(Model):
    """A recipient as the mail names it; `contact_id`: the contact that it is."""

    slot: int
    name: str
    address: str
    field: RecipientField
    contact_id: UUID | None


class NamedRecord(Model):
    """A record. `name` None: it is gone."""

    record_type: RecordType
    record_id: UUID
    name: str | None


class ExplainedReason(Model):
    """One rule that decided, with the setting or never-log entry that it read, and its sentence.

    `user_id`, `at`: who put it right by hand, and when."""

    rule: str
    setting: str | None
    entry_id: UUID | None
    sentence: str = Field(description="in the reader's language")
    user_id: UUID | None = None
    at: datetime | None = None


class MailAssociations(Model):
    """The records on which a logged mail stands, those that are deleted left out. `version`: another one
    whenever they are others."""

    records: tuple[NamedRecord, ...]
    version: int


class RecordDecision(NamedRecord):
    """The decision for one record."""

    outcome: LogOutcome
    reasons: tuple[ExplainedReason, ...]


class RecipientDecision(Model):
    """The decision for one recipient."""

    slot: int
    name: str
    address: str
    contact_id: UUID | None
    outcome: LogOutcome
    reasons: tuple[ExplainedReason, ...]


class MailDecision(Model):
    """Where the mail was logged, where not, and why, in the order in which the rules decided (L13).

    `outcome` of a record or recipient is as it is now; what was put right by hand is its first reason."""

    outcome: LogOutcome
    decided_at: datetime
    ruleset_version: str
    reasons: tuple[ExplainedReason, ...]
    records: tuple[RecordDecision, ...]
    recipients: tuple[RecipientDecision, ...]


class Mail(Model):
    """A logged mail, or one that only its sender sees (`logged` false).

    `records`: where it stands. `engagements`: newest first, at most 200, none that may be a never-listed
    recipient's; without candidates where nobody may be named.
    """

    id: UUID
    subject: str
    from_address: str
    user_id: UUID
    user_name: str | None = Field(description="the sender; null: a former colleague")
    recipients: tuple[Correspondent, ...]
    state: MessageState
    sent_at: datetime | None
    provider_thread_id: str | None
    logged: bool
    deletable: bool = Field(description="whether the reader may delete it")
    records: tuple[NamedRecord, ...]
    attachments: tuple[NamedAttachment, ...]
    decision: MailDecision | None
    engagements: tuple[Engagement, ...]
    links: tuple[str, ...] = Field(description="by link index")


class MailBody(Model):
    """A body that may be shown. `held_back`: remote images that were left out of `html`."""

    html: str
    text: str
    held_back: int


class ThreadMail(Model):
    """Another logged mail of the same thread."""

    id: UUID
    subject: str
    user_id: UUID
    sent_at: datetime
