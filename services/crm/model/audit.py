"""What the audit log keeps."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model

AuditValue = bool | int | str


class AuditEntry(Model):
    """One change of a setting or record; `before` and `after` hold what differs. `user_id` null: Kaifu
    itself. `token_id`, `token_name`: of the API token that asked for it, if one did."""

    id: UUID
    at: datetime
    user_id: UUID | None
    token_id: UUID | None = None
    token_name: str | None = None
    action: str
    before: dict[str, AuditValue]
    after: dict[str, AuditValue]
