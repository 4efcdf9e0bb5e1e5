"""email.sends: the latest state of each message, compacted."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, UtcDatetime


class Source(StrEnum):
    """The door through which a mail left (T7)."""

    GMAIL = "gmail"
    CRM = "crm"
    INBOX = "inbox"
    SEQUENCE = "sequence"
    API = "api"


class SendEvent(Event):
    """The whole state of a message at this step, so that compaction loses nothing.

    `recipient_count`: recipients have slots 0 to recipient_count - 1, in the order of To, Cc, Bcc.
    `anonymous`: no slot may be named in what follows from a hit (P3).
    `provider_*`: ids of the mail system (Gmail's); opaque.
    """

    message_id: UUID
    user_id: UUID
    source: Source
    tracked: bool
    logged: bool
    anonymous: bool = False
    recipient_count: int = Field(ge=0)
    link_count: int = Field(ge=0)
    policy_version: int = Field(ge=0)
    prepared_at: UtcDatetime
    provider_message_id: str | None = Field(default=None, max_length=200)
    provider_thread_id: str | None = Field(default=None, max_length=200)

    def key(self) -> str:
        """Per message: states of one mail keep their order, and only the last is kept."""
        return str(self.message_id)


class MessageScheduled(SendEvent):
    """The mail was handed over for a later time; `send_at` is when."""

    type: Literal["message_scheduled"] = "message_scheduled"
    send_at: UtcDatetime


class MessageCancelled(SendEvent):
    """The mail was prepared or scheduled and will not go out."""

    type: Literal["message_cancelled"] = "message_cancelled"


class MessageSent(SendEvent):
    """The mail system confirmed the mail; `occurred_at` is when it was sent."""

    type: Literal["message_sent"] = "message_sent"


AnySendEvent = Annotated[MessageSent | MessageScheduled | MessageCancelled, Field(discriminator="type")]
