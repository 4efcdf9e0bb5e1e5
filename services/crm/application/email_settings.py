"""The account's e-mail settings, for super admins (A1, A4, P1)."""

from datetime import datetime
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.model.accounts import Account, EmailSettings
from services.crm.model.audit import AuditEntry
from services.crm.problems import CHANGED_MEANWHILE
from services.crm.store.accounts import Accounts, Users
from services.crm.store.audit import AuditLog
from services.crm.store.database import Database, Session
from services.crm.store.outbox import Outbox
from services.crm.store.revocations import Revocations
from shared.auth.tokens import Role, SignedIn
from shared.events.ids import derived_id, new_id
from shared.events.notifications import SettingsChanged
from shared.events.revocations import (
    RevocationEvent,
    RevocationScope,
    TrackingRestored,
    TrackingRevoked,
)
from shared.http.problems import FORBIDDEN, NOT_FOUND, Problem


class EmailSettingsPage:
    """Reads and changes; every change stands in the audit log."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        users: Users,
        audit: AuditLog,
        outbox: Outbox,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._users = users
        self._audit = audit
        self._outbox = outbox
        self._revocations = revocations
        self._clock = clock

    async def get(self, who: SignedIn) -> EmailSettings:
        """The settings. Problem 403 for all but super admins."""
        _super_admins_only(who)
        return (await self._account(who.account_id, None)).settings

    async def change(self, who: SignedIn, settings: EmailSettings) -> EmailSettings:
        """Change them; what is as it was changes nothing. Problem 403, 409."""
        _super_admins_only(who)
        now = self._clock()

        async def body(session: Session) -> None:
            account = await self._account(who.account_id, session)
            if account.settings != settings:
                await self._write(who, account, settings, now, session)

        await self._database.in_transaction(body)
        return settings

    async def _write(
        self, who: SignedIn, account: Account, settings: EmailSettings, now: datetime, session: Session
    ) -> None:
        version = account.policy_version
        if not await self._accounts.change_settings(account.id, settings, version, session):
            raise Problem(CHANGED_MEANWHILE, "Read the settings again, then repeat the change.")
        await self._audit.add(account.id, audit_entry(who, account.settings, settings, now), session)
        if settings.tracking != account.settings.tracking:
            event = tracking_switched(account.id, version + 1, now, on=settings.tracking)
            await self._revocations.say(account.id, event, session)
        told = [
            SettingsChanged(
                event_id=derived_id("settings-changed", user.id, version + 1),
                occurred_at=now,
                account_id=account.id,
                user_id=user.id,
            )
            for user in await self._users.all(account.id, session)
        ]
        await self._outbox.add(account.id, told, session)

    async def _account(self, account_id: UUID, session: Session | None) -> Account:
        account = await self._accounts.get(account_id, session)
        if account is None:
            raise Problem(NOT_FOUND, "No such account.")
        return account


def _super_admins_only(who: SignedIn) -> None:
    if who.role is not Role.SUPER_ADMIN:
        raise Problem(FORBIDDEN, "Only a super admin sees and changes these settings.")


def audit_entry(who: SignedIn, before: EmailSettings, after: EmailSettings, now: datetime) -> AuditEntry:
    """What differs, before and after."""
    old, new = before.model_dump(), after.model_dump()
    changed = [name for name in new if old[name] != new[name]]
    return AuditEntry(
        id=new_id(),
        at=now,
        user_id=who.user_id,
        action="email_settings.changed",
        before={name: old[name] for name in changed},
        after={name: new[name] for name in changed},
    )


def tracking_switched(account_id: UUID, version: int, now: datetime, *, on: bool) -> RevocationEvent:
    """A4: mail already sent is disarmed, or armed again."""
    fields = {
        "occurred_at": now,
        "account_id": account_id,
        "scope": RevocationScope.ACCOUNT,
        "subject_id": account_id,
    }
    if on:
        return TrackingRestored(event_id=derived_id("tracking-restored", account_id, version), **fields)
    event_id = derived_id("tracking-revoked", account_id, version)
    return TrackingRevoked(event_id=event_id, reason="account_tracking_off", **fields)
