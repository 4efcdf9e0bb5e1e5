"""Events to bytes and back: strict when produced, lenient when consumed."""

from functools import cache
from typing import Any, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.events.base import Event
from shared.events.catalogue import topic_named


class UndecodableEvent(ValueError):
    """The bytes are no event of the topic; `reason` is safe to log (it quotes no value)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@cache
def _adapter(topic: str) -> TypeAdapter[Any]:
    return TypeAdapter(topic_named(topic).events)


def encode(event: Event) -> bytes:
    """JSON, UTF-8, fields in the order of the model: the bytes of `model_dump_json`, in less time."""
    return orjson.dumps(vars(event), default=vars, option=orjson.OPT_UTC_Z)


def decode(topic: str, value: bytes | None) -> Event:
    """The event of a Kafka message of that topic.

    Unknown fields are ignored, so that an older consumer survives a newer producer. An unknown
    type or a broken value raises UndecodableEvent.
    """
    if value is None:
        raise UndecodableEvent("tombstone")
    try:
        return cast(Event, _adapter(topic).validate_json(value, extra="ignore"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "value"
        raise UndecodableEvent(f"{place}: {first['type']}") from None
