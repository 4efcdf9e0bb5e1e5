"""Timelines: one row per record and event."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.crm.model.attachments import NamedAttachment
from services.crm.model.base import Model
from shared.events.engagements import Evidence, Verdict
from shared.events.log_decisions import RecordType


class TimelineType(StrEnum):
    """What a row tells."""

    EMAIL = "email"
    OPEN = "open"
    CLICK = "click"


class TimelineRow(Model):
    """One row. `id` is derived from the record and its cause, so that a repeat writes the same row.

    `subject` and `link` are None where the mail is not logged on this record (R2). `recipients`
    (of an email row) are names, or addresses where there is no name; `attachments` are the mail's.
    """

    id: UUID
    record_type: RecordType
    record_id: UUID
    type: TimelineType
    occurred_at: datetime
    message_id: UUID
    user_id: UUID
    subject: str | None = None
    recipients: tuple[str, ...] = ()
    engagement_id: UUID | None = None
    verdict: Verdict | None = None
    evidence: tuple[Evidence, ...] = ()
    inferred: bool = False
    link: str | None = None
    attachments: tuple[NamedAttachment, ...] = ()
