"""What other settings would have decided on past mail (L13)."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model
from shared.events.log_decisions import LogOutcome, Reason, RecordType


class OtherSettings(Model):
    """Settings to try. `logging` None: as it is. `added` are never-log entries as people write them."""

    logging: bool | None = None
    added: tuple[str, ...] = ()
    removed: tuple[UUID, ...] = ()


class Change(Model):
    """One record or recipient that would have come out otherwise. For a recipient `record_type` is None and
    `name` its address; `before` and `after` carry the reasons of each decision."""

    record_type: RecordType | None
    record_id: UUID | None
    name: str
    before: LogOutcome | None = Field(description="null: the decision did not know of it")
    after: LogOutcome
    why_before: tuple[Reason, ...]
    why_after: tuple[Reason, ...]


class ChangedMail(Model):
    """A mail that would have been decided on otherwise."""

    message_id: UUID
    subject: str
    sent_at: datetime
    user_id: UUID
    before: LogOutcome
    after: LogOutcome
    changes: tuple[Change, ...]


class DryRun(Model):
    """What would have changed. Nothing was written."""

    examined: int = Field(description="decisions that were run again, the newest first")
    skipped: int = Field(description="decisions without kept inputs: they can't be run again")
    since: datetime | None = Field(description="when the oldest of them was made")
    changed: int = Field(description="mails that would have come out otherwise")
    logged_no_more: int
    logged_now: int
    mails: tuple[ChangedMail, ...] = Field(description="the newest of them")
