"""email.revocations: what is no longer tracked, compacted; ingest and tracker hold it in memory."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event


class RevocationScope(StrEnum):
    """What a revocation is about: one message, or all of an account (A4)."""

    MESSAGE = "message"
    ACCOUNT = "account"


class RevocationEvent(Event):
    """`subject_id` is the message or the account."""

    scope: RevocationScope
    subject_id: UUID

    def key(self) -> str:
        """Per subject: the last word on it is kept."""
        return str(self.subject_id)


class TrackingRevoked(RevocationEvent):
    """From now on a hit is served as before and recorded nowhere."""

    type: Literal["tracking_revoked"] = "tracking_revoked"
    reason: Literal["account_tracking_off", "legal_basis_withdrawn", "message_deleted", "erased"]


class TrackingRestored(RevocationEvent):
    """The revocation is lifted."""

    type: Literal["tracking_restored"] = "tracking_restored"


AnyRevocationEvent = Annotated[TrackingRevoked | TrackingRestored, Field(discriminator="type")]
