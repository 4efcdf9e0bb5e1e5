"""The account's never-log list."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model


class NeverLogEntry(Model):
    """Mail to whom it covers is not logged (L8). `pattern` is canonical: an address, a domain, or `*.` and a
    domain, in ASCII. The id is derived from it, so that it means the same when it is listed anew."""

    id: UUID
    pattern: str
    added_at: datetime
    added_by: UUID
