"""When a rep wants no pop-up: the policy, and what is muted (B8)."""

from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model
from shared.events.notification_policies import OpensWanted, QuietHours


class NotificationPolicy(Model):
    """Of one user. What comes up is decided by it; feed and badge always show everything.

    `version` counts its changes; 0: the user never set one.
    """

    opens: OpensWanted = OpensWanted.EVERY
    pause_days: int = 7
    clicks: bool = True
    quiet_hours: tuple[QuietHours, ...] = ()
    version: int = 0


class MailMute(Model):
    """Of one mail. `by_hand`: the rep muted it. `slots`: its recipients whose contacts the rep muted;
    `everybody`: those are all. `version` counts its changes."""

    id: UUID
    user_id: UUID
    by_hand: bool = False
    slots: tuple[int, ...] = ()
    everybody: bool = False
    version: int = 0

    @property
    def muted(self) -> bool:
        """Whether no pop-up about it comes up, whoever it was."""
        return self.by_hand or self.everybody


class ContactMute(Model):
    """Whether a rep muted a contact. `pending`: the mails to it, after the one given, are still to follow."""

    id: UUID
    account_id: UUID
    user_id: UUID
    contact_id: UUID
    muted: bool
    pending: bool = True
    after: UUID | None = None


class MutedContact(Model):
    """A contact whose mails raise no pop-ups for the rep."""

    contact_id: UUID
    name: str = Field(description="or its first address")
