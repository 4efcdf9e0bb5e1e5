"""The account's e-mail settings, for super admins (A1-A5, P1)."""

from datetime import datetime
from uuid import UUID

from services.crm.application.audit import Change
from services.crm.application.clock import Clock
from services.crm.application.policy_changes import PolicyChanges
from services.crm.application.privacy import PrivacyReviews
from services.crm.model.accounts import EmailSettings
from services.crm.model.audit import AuditValue
from services.crm.problems import PRECONDITION_FAILED
from services.crm.store.database import Database, Session
from services.crm.store.revocations import Revocations
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id
from shared.events.revocations import (
    RevocationEvent,
    RevocationScope,
    TrackingRestored,
    TrackingRevoked,
)
from shared.http.problems import Problem


class EmailSettingsPage:
    """Reads and changes; every change stands in the audit log."""

    def __init__(
        self,
        database: Database,
        policy: PolicyChanges,
        revocations: Revocations,
        reviews: PrivacyReviews,
        clock: Clock,
    ) -> None:
        self._reviews = reviews
        self._database = database
        self._policy = policy
        self._revocations = revocations
        self._clock = clock

    async def get(self, who: SignedIn) -> EmailSettings:
        """The settings. Problem 403 for all but super admins."""
        await self._policy.roles.need_super_admin(who)
        return (await self._policy.account(who.account_id)).settings

    async def change(
        self, who: SignedIn, settings: EmailSettings, *, seen: str | None = None
    ) -> EmailSettings:
        """Change them; what is as it was changes nothing. `seen`: the tag of the settings that the change was
        made from. Problem 403, 409, 412 (they are others by now)."""
        await self._policy.roles.need_super_admin(who)
        now = self._clock()

        async def body(session: Session) -> None:
            account = await self._policy.account(who.account_id, session)
            if seen not in {None, account.settings.tag}:
                raise Problem(PRECONDITION_FAILED, "Read the settings again, then repeat the change.")
            if account.settings == settings:
                return
            changed = account.model_copy(update={"settings": settings})
            change = Change("email_settings.changed", *difference(account.settings, settings))
            version = await self._policy.made(who, account, changed, now, change, session)
            if settings.tracking != account.settings.tracking:
                event = tracking_switched(account.id, version, now, on=settings.tracking)
                await self._revocations.say(account.id, event, session)
            if settings.data_privacy != account.settings.data_privacy:
                await self._reviews.ask(account.id, None, session)

        await self._database.in_transaction(body)
        self._reviews.wake()
        return settings


def difference(
    before: EmailSettings, after: EmailSettings
) -> tuple[dict[str, AuditValue], dict[str, AuditValue]]:
    """What differs, before and after."""
    old, new = before.model_dump(), after.model_dump()
    changed = [name for name in new if old[name] != new[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}


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
