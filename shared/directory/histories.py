"""What `kaifu replay` asks crm: what is archived of messages, and how they are judged now.

`GET /internal/v1/histories/extent`: how much there is. `GET /internal/v1/histories`: a page, as JSON lines:
one `MessageHistory` each, at last one `PageEnd`. Raw hits carry client addresses, and go no further.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.directory.contract import DirectoryModel
from shared.events.engagements import EngagementJudged
from shared.events.hits import AnyHitEvent
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent

MOST_HITS = 20_000  # of one page; a message that has more is left out

Fact = AnyHitEvent
LastSend = Annotated[MessageSent | MessageScheduled | MessageCancelled, Field(discriminator="type")]


class HistoriesAsked(DirectoryModel):
    """Which messages: those fetched or answered from `since` on and before `until`; or one, at any time."""

    since: datetime
    until: datetime
    account_id: UUID | None = None
    message_id: UUID | None = None


class MessageHistory(DirectoryModel):
    """A message: its newest state, every raw hit that is kept, its engagements at their highest revision.

    `whole` False: it has too many hits; none is given.
    """

    account_id: UUID
    message_id: UUID
    send: LastSend
    facts: tuple[Fact, ...]
    standing: tuple[EngagementJudged, ...]
    whole: bool = True

    @property
    def place(self) -> str:
        """Where it stands among all; a page that is asked for after it begins behind it."""
        return place_of(self.account_id, self.message_id)


class PageEnd(DirectoryModel):
    """`next`: where the page after this one begins; None: there is none. `looked_at`: how many messages."""

    next: str | None
    looked_at: int


class HistoryExtent(DirectoryModel):
    """How many messages there are to look at, and since when raw hits are kept; None: there is none."""

    messages: int
    since: datetime | None


def place_of(account_id: UUID, message_id: UUID | None) -> str:
    """Places sort by account, then by message; without one, before all of the account."""
    return f"{account_id}:{message_id or ''}"


def parted(place: str) -> tuple[UUID, UUID | None]:
    """The account and the message of a place. ValueError if it is none."""
    account, _, message = place.partition(":")
    return UUID(account), UUID(message) if message else None
