"""notifications: what a rep's screens are told, at once."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, UtcDatetime
from shared.events.engagements import Verdict
from shared.events.ids import text_of


class UserEvent(Event):
    """An event for the screens of one user."""

    user_id: UUID

    def key(self) -> str:
        """Per user, so that a screen sees them in order."""
        return text_of(self.user_id)


class NotificationKind(StrEnum):
    """Why the rep is told."""

    OPENED = "opened"
    CLICKED = "clicked"
    LOG_REFUSED = "log_refused"
    TEST = "test"


class NotificationRaised(UserEvent):
    """A pop-up for the rep. Screens look up names and subjects by id.

    `notification_id` is derived from what it is about: a screen that has shown it never shows it
    again. `hit_id` names the hit; `candidates` the recipient slots that it may have been. `previous_at`: when
    the same pixel or links were last followed by a person before; None: never, or nobody knows any more.
    """

    type: Literal["notification_raised"] = "notification_raised"
    notification_id: UUID
    kind: NotificationKind
    message_id: UUID | None = None
    engagement_id: UUID | None = None
    hit_id: UUID | None = None
    verdict: Verdict | None = None
    link_index: int | None = Field(default=None, ge=0)
    candidates: tuple[int, ...] = ()
    first: bool = False
    reason: str | None = None
    previous_at: UtcDatetime | None = None


class NotificationRetracted(UserEvent):
    """Later evidence contradicts a pop-up: clear it if it is on screen, never raise it (B3)."""

    type: Literal["notification_retracted"] = "notification_retracted"
    notification_id: UUID
    message_id: UUID
    engagement_id: UUID
    rule: str


class FeedChanged(UserEvent):
    """A row of the rep's feed is different now; no pop-up. Written after the row is."""

    type: Literal["feed_changed"] = "feed_changed"
    message_id: UUID


class SignInRevoked(UserEvent):
    """A sign-in ended before its tokens did: its sockets close. None: all of the user's."""

    type: Literal["sign_in_revoked"] = "sign_in_revoked"
    sign_in_id: UUID | None = None


class SettingsChanged(UserEvent):
    """The account's or the user's settings changed: clients fetch them again."""

    type: Literal["settings_changed"] = "settings_changed"


AnyNotificationEvent = Annotated[
    NotificationRaised | NotificationRetracted | FeedChanged | SignInRevoked | SettingsChanged,
    Field(discriminator="type"),
]
