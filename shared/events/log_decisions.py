"""email.log-decisions: where a mail was logged, where not, and why (L13)."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, EventPart


class RecordType(StrEnum):
    """A kind of CRM record that a mail can stand on."""

    CONTACT = "contact"
    COMPANY = "company"
    DEAL = "deal"
    TICKET = "ticket"


class LogOutcome(StrEnum):
    """What was decided."""

    LOGGED = "logged"
    NOT_LOGGED = "not_logged"


class Reason(EventPart):
    """One rule that decided: its id, and the setting or list entry that it read."""

    rule: str = Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")
    setting: str | None = None
    entry_id: UUID | None = None


class RecordOutcome(EventPart):
    """The decision for one record."""

    record_type: RecordType
    record_id: UUID
    outcome: LogOutcome
    reasons: tuple[Reason, ...] = Field(min_length=1)


class RecipientOutcome(EventPart):
    """The decision for one recipient; `contact_id` is the contact that it is, if any."""

    slot: int = Field(ge=0)
    contact_id: UUID | None = None
    outcome: LogOutcome
    reasons: tuple[Reason, ...] = Field(min_length=1)


class LogDecided(Event):
    """The decision on one sent mail, complete: over all, per record, per recipient."""

    type: Literal["log_decided"] = "log_decided"
    message_id: UUID
    user_id: UUID
    outcome: LogOutcome
    reasons: tuple[Reason, ...] = Field(min_length=1)
    records: tuple[RecordOutcome, ...] = ()
    recipients: tuple[RecipientOutcome, ...] = ()
    ruleset_version: str

    def key(self) -> str:
        """Per message."""
        return str(self.message_id)


AnyLogDecisionEvent = LogDecided
