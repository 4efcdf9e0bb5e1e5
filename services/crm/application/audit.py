"""The account's audit log (A1): how every change is noted, and read by super admins."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.application.roles import Roles
from services.crm.model.audit import AuditEntry, AuditValue
from services.crm.model.base import Page
from services.crm.store.api_tokens import ApiTokens
from services.crm.store.audit import AuditLog
from services.crm.store.database import Session
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id


class Change(NamedTuple):
    """What is said of a change: an action of `web/words.py`, and what differs."""

    action: str
    before: Mapping[str, AuditValue] = {}
    after: Mapping[str, AuditValue] = {}


class Auditor:
    """Notes changes, each in its own transaction, with who made it and by which API token."""

    def __init__(self, audit: AuditLog, tokens: ApiTokens, clock: Clock) -> None:
        self._audit = audit
        self._tokens = tokens
        self._clock = clock

    async def note(self, who: SignedIn, change: Change, session: Session) -> None:
        """Somebody's change."""
        token = None
        if who.scopes is not None:
            token = await self._tokens.get(who.account_id, who.sign_in_id, session)
        token_id = None if who.scopes is None else who.sign_in_id
        entry = self._entry(who.user_id, change)
        named = {"token_id": token_id, "token_name": token.name if token else None}
        await self._audit.add(who.account_id, entry.model_copy(update=named), session)

    async def note_of(self, account_id: UUID, user_id: UUID, change: Change, session: Session) -> None:
        """A change that follows from what a user did without being signed in."""
        await self._audit.add(account_id, self._entry(user_id, change), session)

    async def note_own(self, account_id: UUID, change: Change, session: Session) -> None:
        """A change that Kaifu makes by itself."""
        await self._audit.add(account_id, self._entry(None, change), session)

    def _entry(self, user_id: UUID | None, change: Change) -> AuditEntry:
        return AuditEntry(
            id=new_id(),
            at=self._clock(),
            user_id=user_id,
            action=change.action,
            before=dict(change.before),
            after=dict(change.after),
        )


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
