"""notification-policies: when a rep wants no pop-up, compacted; the notifier holds it in memory (B8).

Each event is the whole state of its subject. `version` counts its changes: of two states the greater one is
the later, in whatever order they come.
"""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import EventPart
from shared.events.notifications import UserEvent

LAST_MINUTE = 24 * 60 - 1
MOST_QUIET_HOURS = 7
MOST_DAYS = 365


class OpensWanted(StrEnum):
    """Which opens come up: one of each reading; the first of a mail; the first, and those after a pause."""

    EVERY = "every"
    FIRST = "first"
    AFTER_PAUSE = "after_pause"


class QuietHours(EventPart):
    """From one minute of the day up to another, on the days (1: Monday … 7: Sunday) on which they begin.

    An end that is not after the beginning is on the next day; the same minute: a whole day.
    """

    days: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1, max_length=7)]
    begin: int = Field(ge=0, le=LAST_MINUTE, description="minutes since midnight on the rep's clocks")
    end: int = Field(ge=0, le=LAST_MINUTE, description="minutes since midnight on the rep's clocks")


class NotificationPolicyChanged(UserEvent):
    """What a rep wants to come up from now on. `time_zone`: IANA name of the one of the quiet hours."""

    type: Literal["notification_policy_changed"] = "notification_policy_changed"
    version: int = Field(ge=1)
    opens: OpensWanted = OpensWanted.EVERY
    pause_days: int = Field(default=1, ge=1, le=MOST_DAYS, description="of `after_pause`")
    clicks: bool = True
    quiet_hours: Annotated[tuple[QuietHours, ...], Field(max_length=MOST_QUIET_HOURS)] = ()
    time_zone: str = "UTC"


class MessageMuteChanged(UserEvent):
    """Whether pop-ups about a mail come up. `muted`: none does. `slots`: the recipients that are muted; what
    may have been one of the others comes up."""

    type: Literal["message_mute_changed"] = "message_mute_changed"
    version: int = Field(ge=1)
    message_id: UUID
    muted: bool
    slots: tuple[int, ...] = ()

    def key(self) -> str:
        """Per mail: the last word on it is kept."""
        return str(self.message_id)


AnyNotificationPolicyEvent = Annotated[
    NotificationPolicyChanged | MessageMuteChanged, Field(discriminator="type")
]
