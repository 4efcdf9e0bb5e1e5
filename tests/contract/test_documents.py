"""contracts/ is what the code says, valid by the rules of each format, and drift is noticed."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.contracts import __main__ as command
from deploy.contracts import check, openapi
from deploy.contracts.documents import Documents, generated
from deploy.contracts.schemas import all_events, name_of, schema_of
from shared.events.base import Event
from shared.events.catalogue import TOPICS
from tests.schema_values import values

pytestmark = [pytest.mark.contract, pytest.mark.requirement("B9")]
ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
ASYNCAPI_SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.schema.json")
EVENTS = [event for _, event in all_events()]


def test_the_documents_are_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.verify(CONTRACTS) == 0, capsys.readouterr().err


def test_the_documents_are_the_same_every_time() -> None:
    assert generated() == generated()


@pytest.fixture(scope="module")
def documents() -> Documents:
    return generated()


@pytest.fixture
def folder(tmp_path: Path, documents: Documents, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fresh contracts of one's own. The documents are made once: applications take their time."""
    monkeypatch.setattr(command, "generated", lambda: documents)
    command.write(tmp_path)
    shutil.copytree(CONTRACTS / check.RELEASED, tmp_path / check.RELEASED)
    return tmp_path


def _said(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert command.verify(folder) == 1
    return capsys.readouterr().err


def test_what_was_written_and_released_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.verify(folder) == 0
    assert "match the code" in capsys.readouterr().out


def test_drift_shows_the_difference_and_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "asyncapi.yaml"
    file.write_text(file.read_text().replace("partitions: 12", "partitions: 13", 1))
    said = _said(folder, capsys)
    assert "run `make contracts`" in said
    assert "-        partitions: 13" in said
    assert "+        partitions: 12" in said


@pytest.mark.parametrize("path", ["openapi/ingest.json", "schemas/message_sent/1.json", "asyncapi.yaml"])
def test_a_missing_document_is_drift(folder: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / path).unlink()
    assert f"{path} is not what the code says" in _said(folder, capsys)


def test_a_left_over_document_is_drift_and_writing_takes_it_away(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = folder / "schemas" / "message_teleported" / "1.json"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    assert "belongs to nothing" in _said(folder, capsys)
    command.write(folder)
    assert not orphan.exists()
    assert (folder / "released" / "message_sent" / "1" / "schema.json").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"user_id": "rep"}, "does not meet its schema at $.user_id"),
        ({"occurred_at": "yesterday"}, "does not meet its schema at $.occurred_at"),
        ({"recipient_count": -1}, "does not meet its schema at $.recipient_count"),
        ({"occurred_at": "2026-11-02T09:00:00"}, "is refused by its model"),
        ({"subject": "Angebot"}, "is refused by its model"),
    ],
)
def test_an_example_that_is_not_valid_is_found(
    folder: Path, change: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "examples" / "message_sent" / "1" / "full.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert says in "\n".join(check.invalid_examples(folder))
    assert says in _said(folder, capsys)


def test_an_event_without_an_example_is_found(folder: Path) -> None:
    for file in (folder / "examples" / "feed_changed" / "1").iterdir():
        file.unlink()
    assert list(check.invalid_examples(folder)) == [
        "feed_changed has no example: add one to shared/events/examples.py"
    ]


def test_asyncapi_is_valid_by_the_published_schema() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    schema = json.loads(ASYNCAPI_SCHEMA.read_text())
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(document)] == []
    broken = document | {"operations": {"x": {"action": "shout", "channel": {"$ref": "#/channels/none"}}}}
    assert not jsonschema.Draft7Validator(schema).is_valid(broken)


def test_asyncapi_has_every_topic_with_its_dead_letters_and_both_sides() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    operations = document["operations"]
    for topic in TOPICS:
        kafka = document["channels"][topic.name]["bindings"]["kafka"]
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if topic.compacted else "delete"]
        assert topic.dead_letters in document["channels"]
        sides = {
            (one["action"], one["tags"][0]["name"]) for one in operations.values() if _on(one, topic.name)
        }
        assert sides == {("send", name) for name in topic.producers} | {
            ("receive", name) for name in topic.consumers
        }


def _on(operation: dict[str, Any], topic: str) -> bool:
    return bool(operation["channel"]["$ref"] == f"#/channels/{topic}")


def test_every_reference_of_asyncapi_leads_somewhere() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    references = list(_references(document))
    assert len(references) > 100
    for reference in references:
        if reference.startswith("./"):
            assert (CONTRACTS / reference).is_file(), reference
        else:
            assert _resolved(document, reference) is not None


@pytest.mark.parametrize("service", openapi.SOURCES)
def test_openapi_is_sound(service: str) -> None:
    document = json.loads((CONTRACTS / "openapi" / f"{service}.json").read_text())
    assert document["openapi"].startswith("3.1.")
    operations = [
        (path, operation) for path, item in document["paths"].items() for operation in item.values()
    ]
    ids = [operation["operationId"] for _, operation in operations]
    assert len(set(ids)) == len(ids) > 0
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in _references(document):
        assert _resolved(document, reference) is not None
    for path, operation in operations:
        declared = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


@pytest.mark.parametrize("service", openapi.SOURCES)
def test_every_error_of_an_api_is_a_problem_body(service: str) -> None:
    """Except where OAuth (RFC 6749, 5.2) prescribes a body of its own."""
    document = json.loads((CONTRACTS / "openapi" / f"{service}.json").read_text())
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and not path.startswith("/oauth/"):
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_the_schema_of_an_event_is_a_schema(event: type[Event]) -> None:
    schema = schema_of(event)
    jsonschema.Draft202012Validator.check_schema(schema)
    name = name_of(event)
    assert schema["$id"] == f"urn:kaifu:event:{name.type}:{name.version}"
    assert {"event_id", "occurred_at", "account_id", "type", "schema_version"} <= set(schema["required"])


@cache
def _values(event: type[Event]) -> st.SearchStrategy[Any]:
    return values(schema_of(event))


@settings(deadline=None)  # the first example of each event builds its strategy
@given(data=st.data(), event=st.sampled_from(EVENTS))
def test_what_the_schema_allows_the_model_reads(data: st.DataObject, event: type[Event]) -> None:
    value = data.draw(_values(event))
    jsonschema.Draft202012Validator(schema_of(event)).validate(value)
    event.model_validate_json(json.dumps(value))


def test_no_event_but_hits_can_hold_an_address() -> None:
    """No person in an event: the fields that could hold one are known."""
    carriers = {
        event.__name__ for event in EVENTS if {"client_address", "user_agent"} & event.model_fields.keys()
    }
    assert carriers == {"HitRecorded", "ViewingReported"}
    forbidden = {"address", "email", "name", "subject", "body", "recipients_addresses", "from_address", "to"}
    for event in EVENTS:
        assert not forbidden & event.model_fields.keys()


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for part in node for found in _references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for part in node.values() for found in _references(part)]


def _resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document
