"""Policies as events, mutes of contacts as mutes of their mails, times of day as people write them (B8)."""

import re
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.crm.model.accounts import User
from services.crm.model.messages import Message
from services.crm.model.notification_policies import MailMute, NotificationPolicy
from shared.events.ids import derived_id
from shared.events.notification_policies import MessageMuteChanged, NotificationPolicyChanged

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_TIME_OF_DAY = re.compile(TIME_OF_DAY)


def minute_of(typed: str) -> int:
    """Minutes since midnight of `HH:MM`. Raises ValueError."""
    if not _TIME_OF_DAY.fullmatch(typed):
        raise ValueError("no time of day")
    hours, minutes = typed.split(":")
    return int(hours) * 60 + int(minutes)


def time_of(minute: int) -> str:
    """`HH:MM`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def policy_event(user: User, policy: NotificationPolicy, now: datetime) -> NotificationPolicyChanged:
    """The whole policy, with the zone of the user's clocks."""
    return NotificationPolicyChanged(
        event_id=derived_id("notification-policy-changed", user.id, policy.version),
        occurred_at=now,
        account_id=user.account_id,
        user_id=user.id,
        time_zone=user.time_zone,
        **policy.model_dump(),
    )


def mute_event(account_id: UUID, mute: MailMute, now: datetime) -> MessageMuteChanged:
    """Whether the mail is muted, for whom."""
    return MessageMuteChanged(
        event_id=derived_id("message-mute-changed", mute.id, mute.version),
        occurred_at=now,
        account_id=account_id,
        user_id=mute.user_id,
        version=mute.version,
        message_id=mute.id,
        muted=mute.muted,
        slots=mute.slots,
    )


def contacts_of(message: Message) -> set[UUID]:
    """Whom it was sent to, as far as they are contacts."""
    recipients = message.draft.recipients if message.draft else ()
    return {to.contact_id for to in recipients if to.contact_id is not None}


def with_contacts(mute: MailMute, message: Message, muted: Collection[UUID]) -> MailMute:
    """The mail's mute while these contacts are muted; the same one if nothing differs."""
    recipients = message.draft.recipients if message.draft else ()
    slots = tuple(to.slot for to in recipients if to.contact_id in muted)
    everybody = bool(slots) and len(slots) == len(recipients)
    if (slots, everybody) == (mute.slots, mute.everybody):
        return mute
    return mute.model_copy(update={"slots": slots, "everybody": everybody, "version": mute.version + 1})


def by_hand(mute: MailMute, *, muted: bool) -> MailMute:
    """The mail's mute after the rep pressed the button; the same one if that is no news."""
    if mute.by_hand is muted:
        return mute
    return mute.model_copy(update={"by_hand": muted, "version": mute.version + 1})
