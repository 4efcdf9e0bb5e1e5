"""What every event has."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, cast
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

_set: Callable[[object, str, Any], None] = object.__setattr__
P = ParamSpec("P")
E = TypeVar("E", bound="Event")


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


def unchecked(event: Callable[P, E]) -> Callable[P, E]:
    """The constructor of an event without its checks: for values of our own, of the types that it names.

    A field with a default factory must be given.
    """
    model = cast(type[E], event)
    defaults = {name: field.default for name, field in model.model_fields.items()}
    every = set(defaults)

    def made(*_: P.args, **fields: P.kwargs) -> E:
        new = model.__new__(model)
        _set(new, "__dict__", defaults | fields)  # in the order of the model
        _set(new, "__pydantic_fields_set__", every)
        _set(new, "__pydantic_extra__", None)
        _set(new, "__pydantic_private__", None)
        return new

    return made
