"""The account's audit log, for super admins (A1)."""

from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.application.roles import Roles
from services.crm.model.audit import AuditEntry
from services.crm.model.base import Page
from services.crm.store.audit import AuditLog
from shared.auth.tokens import SignedIn


class AuditTrail:
    """Reads of the audit log."""

    def __init__(self, audit: AuditLog, roles: Roles) -> None:
        self._roles = roles
        self._audit = audit

    async def page(
        self, who: SignedIn, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[AuditEntry]:
        """Newest first. Problem 403, 422 (cursor)."""
        await self._roles.need_super_admin(who)
        return await self._audit.page(who.account_id, place_of(after), limit)
