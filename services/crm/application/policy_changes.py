"""What every change of an account's policy does: a new version, an entry in the audit log, and word to all
open clients, in one transaction with the change itself."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.crm.application.roles import Roles
from services.crm.model.accounts import Account
from services.crm.model.audit import AuditEntry, AuditValue
from services.crm.problems import CHANGED_MEANWHILE
from services.crm.store.accounts import Accounts, Users
from services.crm.store.audit import AuditLog
from services.crm.store.database import Session
from services.crm.store.outbox import Outbox
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id, new_id
from shared.events.notifications import SettingsChanged
from shared.http.problems import NOT_FOUND, Problem


class PolicyChange(NamedTuple):
    """What the audit log says of it."""

    action: str
    before: dict[str, AuditValue]
    after: dict[str, AuditValue]


class PolicyChanges:
    """Used inside the transaction of a change, by whoever makes it."""

    def __init__(
        self, accounts: Accounts, users: Users, audit: AuditLog, outbox: Outbox, roles: Roles
    ) -> None:
        self.roles = roles
        self._accounts = accounts
        self._users = users
        self._audit = audit
        self._outbox = outbox

    async def account(self, account_id: UUID, session: Session | None = None) -> Account:
        """The account as it is. Problem 404."""
        account = await self._accounts.get(account_id, session)
        if account is None:
            raise Problem(NOT_FOUND, "No such account.")
        return account

    async def made(
        self,
        who: SignedIn,
        before: Account,
        after: Account,
        now: datetime,
        change: PolicyChange,
        session: Session,
    ) -> int:
        """Write the account with its new settings; the new version.
        Problem 409 (somebody else was faster)."""
        if not await self._accounts.change_settings(
            before.id, after.settings, before.policy_version, session
        ):
            raise Problem(CHANGED_MEANWHILE, "Read the settings again, then repeat the change.")
        entry = AuditEntry(id=new_id(), at=now, user_id=who.user_id, **change._asdict())
        await self._audit.add(before.id, entry, session)
        version = before.policy_version + 1
        told = [
            SettingsChanged(
                event_id=derived_id("settings-changed", user.id, version),
                occurred_at=now,
                account_id=before.id,
                user_id=user.id,
            )
            for user in await self._users.all(before.id, session)
        ]
        await self._outbox.add(before.id, told, session)
        return version
