"""email.engagements: what a hit means, with the reasons."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, EventPart
from shared.events.ids import text_of


class EngagementKind(StrEnum):
    """What the recipient did."""

    OPEN = "open"
    CLICK = "click"


class Verdict(StrEnum):
    """Who or what caused the hit (B1)."""

    HUMAN = "human"
    PROXIED_HUMAN = "proxied_human"
    PRIVACY_PROXY = "privacy_proxy"
    MACHINE = "machine"
    SELF = "self"
    OLDER_MESSAGE = "older_message"


class Evidence(EventPart):
    """One rule that spoke: its id, and the values that its sentence needs.

    The sentence itself is looked up by rule id in the reader's language; `values` never holds an
    address or a user agent.
    """

    rule: str = Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")
    values: dict[str, str | int | float] = Field(default_factory=dict)


class EngagementJudged(Event):
    """The verdict on one hit, or an open inferred from a click or a reply (B7).

    `engagement_id` stays the same over corrections; `revision` counts them, and the highest wins.
    `occurred_at` is the time of the hit, or of the reply, and `hit_id` its event. `folded_into`: this hit
    repeats that engagement and is not counted again. `candidates`: the recipient slots it may have been;
    empty when anonymous (P3). `first`: the first open (or first click) of the message that counts.
    """

    type: Literal["engagement_judged"] = "engagement_judged"
    engagement_id: UUID
    revision: int = Field(default=0, ge=0)
    message_id: UUID
    user_id: UUID
    hit_id: UUID
    kind: EngagementKind
    verdict: Verdict
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    confidence: float = Field(ge=0, le=1)
    ruleset_version: str
    session_id: UUID
    folded_into: UUID | None = None
    first: bool = False
    inferred: bool = False
    anonymous: bool = False
    candidates: tuple[int, ...] = ()
    link_index: int | None = Field(default=None, ge=0)

    def key(self) -> str:
        """Per message, in the order of judging."""
        return text_of(self.message_id)


AnyEngagementEvent = EngagementJudged
