"""How long an account keeps what was said in mail, and who asked for it when (A6)."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model


class Retention(Model):
    """Of one account, whose id it has. `months` None: for ever. `due_at`: when it is next looked at.
    `after`: the mail up to which it was looked at this time."""

    id: UUID
    months: int | None
    due_at: datetime | None
    after: UUID | None = None


class RetentionCount(Model):
    """What a setting would delete now: older than `before`."""

    before: datetime
    bodies: int
    mails_with_attachments: int
    hits: int
