"""What the audit log keeps."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model

AuditValue = bool | int | str


class AuditEntry(Model):
    """One change of a setting or record; `before` and `after` hold what differs."""

    id: UUID
    at: datetime
    user_id: UUID
    action: str
    before: dict[str, AuditValue]
    after: dict[str, AuditValue]
