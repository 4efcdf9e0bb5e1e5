"""email.hits: what was fetched or answered, raw, before anybody judged it."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, UtcDatetime
from shared.events.ids import text_of

MAX_USER_AGENT = 512  # characters; the longest honest agent seen is under 400
MAX_HEADER = 256


class Endpoint(StrEnum):
    """Which address was fetched."""

    PIXEL = "pixel"
    LINK = "link"


class HitRecorded(Event):
    """A pixel or a tracked link was fetched.

    `slot`: the recipient that the address was made for, None when one address serves all.
    `link_index`: position of the link among the message's links, None for a pixel.
    `client_address`: None unless it came through a configured trusted proxy (or no proxy is
    expected): address rules must stay off then.
    `headers`: a fixed few, lower-case names, as evidence (services/ingest/model.py lists them).
    """

    type: Literal["hit_recorded"] = "hit_recorded"
    message_id: UUID
    endpoint: Endpoint
    method: Literal["GET", "HEAD"]
    slot: int | None = Field(default=None, ge=0)
    link_index: int | None = Field(default=None, ge=0)
    client_address: str | None = Field(default=None, max_length=45)
    user_agent: str = Field(default="", max_length=MAX_USER_AGENT)
    headers: dict[str, str] = Field(default_factory=dict)

    def key(self) -> str:
        """Per message, so that hits meet the message's state on one partition."""
        return text_of(self.message_id)


class ViewingReported(Event):
    """The rep's own browser says: I am viewing this message now (B4)."""

    type: Literal["viewing_reported"] = "viewing_reported"
    message_id: UUID
    user_id: UUID
    client_address: str | None = Field(default=None, max_length=45)
    user_agent: str = Field(default="", max_length=MAX_USER_AGENT)

    def key(self) -> str:
        """Per message, beside the hits that it explains."""
        return text_of(self.message_id)


class ReplyReceived(Event):
    """A message was answered: so it was open (B7). Told by whoever sees the answer come in.

    `occurred_at`: when it was told, which is its place among the hits. `replied_at`: when the answer came, as
    the mail system says. `user_id`: whose mailbox it came to; only the word of the message's own user counts.
    `slot`: the recipient who answered; None when that is not known, or the message is anonymous. `event_id`
    is derived from all of these but the first, and the answer's own id, so that an answer that is seen many
    times has one effect. No address and no id of the answer is in it.
    """

    type: Literal["reply_received"] = "reply_received"
    message_id: UUID
    user_id: UUID
    replied_at: UtcDatetime
    slot: int | None = Field(default=None, ge=0)

    def key(self) -> str:
        """Per message, among the hits that it is judged with."""
        return text_of(self.message_id)


AcrossMessages = Literal["threads.older-message", "bursts.many-mails"]


class HitRelated(Event):
    """A hit belongs to what was fetched from other messages within the same seconds.

    Seen by the tracker in what it holds; read by it again as evidence, so that a rebuilt state and a replay
    know it. `occurred_at`: the hit's. `value`: with threads.older-message how many seconds apart the newer
    message of the thread was opened, with bursts.many-mails from how many mails the client fetched.
    """

    type: Literal["hit_related"] = "hit_related"
    message_id: UUID
    hit_id: UUID
    rule: AcrossMessages
    value: int = Field(ge=0)

    def key(self) -> str:
        """Per message, behind the hit that it is about."""
        return text_of(self.message_id)


AnyHitEvent = Annotated[
    HitRecorded | ViewingReported | ReplyReceived | HitRelated, Field(discriminator="type")
]
