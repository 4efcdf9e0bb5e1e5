"""JSON Schemas (2020-12) of the events, and where each stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, get_args

from shared.events.base import Event
from shared.events.catalogue import TOPICS, Topic, event_types

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True, order=True)
class EventName:
    """An event as readers of any language know it: its `type` and `schema_version`."""

    type: str
    version: int

    @property
    def folder(self) -> PurePosixPath:
        """`<event>/<version>`, below schemas/, examples/ and released/."""
        return PurePosixPath(self.type, str(self.version))

    @property
    def schema_path(self) -> PurePosixPath:
        """The schema's place below contracts/."""
        return PurePosixPath("schemas", self.type, f"{self.version}.json")


def name_of(event: type[Event]) -> EventName:
    """From the literals of the model; a model without them is a mistake in it."""
    (type_,) = get_args(event.model_fields["type"].annotation)
    (version,) = get_args(event.model_fields["schema_version"].annotation)
    return EventName(type_, version)


def all_events() -> Iterator[tuple[Topic, type[Event]]]:
    """Every event with its topic, in the order of the catalogue."""
    for topic in TOPICS:
        for event in event_types(topic):
            yield topic, event


def schema_of(event: type[Event]) -> dict[str, Any]:
    """What a reader may rely on. Fields may be added later, so further ones are not forbidden here;
    that the producer adds none on its own is the model's matter."""
    name = name_of(event)
    schema: dict[str, Any] = _open(event.model_json_schema())
    # The marks are always sent; the model has defaults for them only to spare its callers.
    schema["required"] = sorted({*schema["required"], "type", "schema_version"})
    return {"$schema": DIALECT, "$id": f"urn:kaifu:event:{name.type}:{name.version}"} | schema


def _open(node: Any) -> Any:
    if isinstance(node, list):
        return [_open(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {key: _open(part) for key, part in node.items() if (key, part) != ("additionalProperties", False)}
