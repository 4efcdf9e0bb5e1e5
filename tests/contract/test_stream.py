"""The stream's messages in asyncapi.yaml are those that the notifier writes and reads."""

import json
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from services.notifier import messages
from services.notifier.messages import NotUnderstood, read_request
from services.notifier.policy import Silence
from shared.events.catalogue import NOTIFICATIONS, event_types
from shared.events.codec import encode
from shared.events.examples import examples_of

pytestmark = [pytest.mark.contract, pytest.mark.requirement("B2")]
CONTRACTS = Path(__file__).parents[2] / "contracts"
CURSOR = "AbC_-1"
EVENTS = [example for event in event_types(NOTIFICATIONS) for example in examples_of(event).values()]
WRITTEN = {
    "ready": [messages.ready(CURSOR)],
    "event": [
        *(messages.event(CURSOR, encode(event)) for event in EVENTS),
        *(messages.event(CURSOR, encode(EVENTS[0]), why) for why in get_args(Silence)),
    ],
    "summary": [messages.summary(CURSOR, 3, [str(UUID(int=1)), str(UUID(int=2))])],
    "resync": [
        messages.resync(CURSOR, reason) for reason in ("cursor_expired", "other_epoch", "cursor_invalid")
    ],
    "authenticated": [messages.AUTHENTICATED],
    "pong": [messages.PONG],
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    return content


def _validator(document: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    schema = document["components"]["messages"][f"stream.{name}"]["payload"]["schema"]
    registry: Registry[Any] = Registry(retrieve=_retrieved)  # type: ignore[call-arg]
    return jsonschema.Draft202012Validator(schema, registry=registry)


def _retrieved(uri: str) -> Resource[Any]:
    return Resource.from_contents(json.loads((CONTRACTS / uri.removeprefix("./")).read_text()))


def _told(frame: bytes) -> dict[str, Any]:
    """What stands in a whole text frame (RFC 6455, section 5.2)."""
    assert frame[0] == 0x81
    told: dict[str, Any] = json.loads(frame[{126: 4, 127: 10}.get(frame[1], 2) :])
    return told


def _names(document: dict[str, Any], operation: str) -> set[str]:
    return {one["$ref"].rpartition("/")[2] for one in document["operations"][operation]["messages"]}


def test_what_the_notifier_writes_is_in_the_document(document: dict[str, Any]) -> None:
    assert _names(document, "notifier-sends-stream") == set(WRITTEN)
    assert len(EVENTS) > 3
    for name, frames in WRITTEN.items():
        for frame in frames:
            _validator(document, name).validate(_told(frame))


@pytest.mark.parametrize("name", WRITTEN)
def test_another_message_does_not_pass(document: dict[str, Any], name: str) -> None:
    validator = _validator(document, name)
    frame = _told(WRITTEN[name][0])
    assert not validator.is_valid(frame | {"type": "other"})
    for field in frame:
        assert not validator.is_valid({key: value for key, value in frame.items() if key != field})


@pytest.mark.requirement("B8")
def test_a_reason_that_the_document_does_not_know_does_not_pass(document: dict[str, Any]) -> None:
    frame = _told(messages.event(CURSOR, encode(EVENTS[0]), "quiet_hours"))
    assert frame["silent"] == "quiet_hours"
    assert not _validator(document, "event").is_valid(frame | {"silent": "other"})


def test_the_document_tells_what_the_notifier_reads(document: dict[str, Any]) -> None:
    said = {"authenticate": {"type": "authenticate", "access_token": "t"}, "ping": {"type": "ping"}}
    assert _names(document, "notifier-receives-stream") == set(said)
    for name, message in said.items():
        _validator(document, name).validate(message)
        assert read_request(json.dumps(message)).type == name
    nameless = {"type": "authenticate"}
    assert not _validator(document, "authenticate").is_valid(nameless)
    with pytest.raises(NotUnderstood):
        read_request(json.dumps(nameless))
