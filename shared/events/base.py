"""What every event has."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class EventPart(BaseModel):
    """A value inside an event. Immutable; unknown fields are refused when produced."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(EventPart):
    """One thing that happened, named in the past tense.

    No event holds a person: ids, recipient slots and verdicts only. `email.hits` alone carries a
    client address and user agent, and its topic is short-lived.
    """

    event_id: UUID
    occurred_at: UtcDatetime
    account_id: UUID
    schema_version: Literal[1] = 1

    def key(self) -> str:
        """The Kafka message key: what decides partition, order and compaction."""
        raise NotImplementedError
