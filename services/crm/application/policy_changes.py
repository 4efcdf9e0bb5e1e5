"""What every change of an account's policy does: a new version, an entry in the audit log, and word to all
open clients, in one transaction with the change itself."""

from datetime import datetime
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.roles import Roles
from services.crm.model.accounts import Account
from services.crm.problems import CHANGED_MEANWHILE
from services.crm.store.accounts import Accounts, Users
from services.crm.store.database import Session
from services.crm.store.outbox import Outbox
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id
from shared.events.notifications import SettingsChanged
from shared.http.problems import NOT_FOUND, Problem


class PolicyChanges:
    """Used inside the transaction of a change, by whoever makes it."""

    def __init__(
        self, accounts: Accounts, users: Users, auditor: Auditor, outbox: Outbox, roles: Roles
    ) -> None:
        self.roles = roles
        self._accounts = accounts
        self._users = users
        self._auditor = auditor
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
        change: Change,
        session: Session,
    ) -> int:
        """Write the account with its new settings; the new version.
        Problem 409 (somebody else was faster)."""
        if not await self._accounts.change_settings(
            before.id, after.settings, before.policy_version, session
        ):
            raise Problem(CHANGED_MEANWHILE, "Read the settings again, then repeat the change.")
        await self._auditor.note(who, change, session)
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
