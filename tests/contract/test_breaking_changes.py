"""Which changes of an event break its readers: each is planted, and found or let through."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, create_model

from deploy.contracts import __main__ as command
from deploy.contracts import check
from deploy.contracts.compatibility import UnknownKeyword, breaking_changes
from deploy.contracts.schemas import EventName, schema_of
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.sends import MessageSent

pytestmark = [pytest.mark.contract, pytest.mark.requirement("B9")]
RELEASED = Path(__file__).parents[2] / "contracts" / check.RELEASED
Schema = dict[str, Any]
Edit = Callable[[Schema], None]

OLD: Schema = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "kind": {"$ref": "#/$defs/Kind"},
        "mark": {"const": "a", "type": "string"},
        "count": {"type": "integer", "minimum": 0, "maximum": 10},
        "share": {"type": "number"},
        "note": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
        "rule": {"type": "string", "pattern": "^[a-z]+$"},
        "slots": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "values": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "$defs": {
        "Kind": {"type": "string", "enum": ["open", "click"]},
        "Part": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
        },
    },
}


def _field(name: str, **changed: Any) -> Edit:
    return lambda schema: schema["properties"][name].update(changed)


def _put(name: str, field: Schema) -> Edit:
    return lambda schema: schema["properties"].update({name: field})


def _without(name: str) -> Edit:
    return lambda schema: schema["properties"].pop(name)


def _drop(name: str, keyword: str) -> Edit:
    return lambda schema: schema["properties"][name].pop(keyword)


def _required(*names: str) -> Edit:
    return lambda schema: schema.update(required=list(names))


def _kinds(*kinds: str) -> Edit:
    return lambda schema: schema["$defs"]["Kind"].update(enum=list(kinds))


def _both(one: Edit, other: Edit) -> Edit:
    def edit(schema: Schema) -> None:
        one(schema)
        other(schema)

    return edit


def _part(edit: Edit) -> Edit:
    return lambda schema: edit(schema["$defs"]["Part"])


BREAKING: dict[str, tuple[Edit, str]] = {
    "a field is removed": (_without("share"), ".share: removed"),
    "a field is renamed": (
        _both(_without("share"), _put("part", {"type": "number"})),
        ".share: removed",
    ),
    "a field is retyped": (_put("count", {"type": "string"}), ".count: was integer, is string"),
    "a number becomes an integer": (_field("share", type="integer"), ".share: was number, is integer"),
    "a list becomes a value": (_put("slots", {"type": "integer"}), ".slots: was array, is integer"),
    "an optional field becomes required": (_required("id", "kind", "share"), ".share: now required"),
    "a new field is required": (
        _both(_put("new", {"type": "string"}), _required("id", "kind", "new")),
        ".new: now required",
    ),
    "an enum value is gone": (_kinds("open"), ".kind: no longer click"),
    "an enum value is renamed": (_kinds("open", "clicked"), ".kind: no longer click"),
    "a constant changes": (_field("mark", const="b"), ".mark: no longer a"),
    "free text becomes an enum": (_field("rule", enum=["human"]), ".rule: only some values are left"),
    "a minimum rises": (_field("count", minimum=1), ".count: minimum is 1, was 0"),
    "a maximum falls": (_field("count", maximum=9), ".count: maximum is 9, was 10"),
    "a bound is added": (_field("share", maximum=1), ".share: maximum is 1, was none"),
    "text gets shorter": (
        _put("note", {"anyOf": [{"type": "string", "maxLength": 19}, {"type": "null"}]}),
        ".note: maxLength is 19, was 20",
    ),
    "null is no longer allowed": (
        _put("note", {"type": "string", "maxLength": 20}),
        ".note: was null, is string",
    ),
    "a pattern changes": (_field("rule", pattern="^[a-z]{2,}$"), ".rule: pattern is"),
    "a format is added": (_field("rule", format="uuid"), ".rule: format is uuid, was none"),
    "a list must be longer": (_field("slots", minItems=2), ".slots: minItems is 2, was 1"),
    "what a list holds is retyped": (_field("slots", items={"type": "string"}), ".slots[]: was integer"),
    "what a dictionary holds is retyped": (
        _field("values", additionalProperties={"type": "integer"}),
        ".values.*: was string",
    ),
    "a dictionary holds nothing more": (_field("values", additionalProperties=False), ".values.*: no longer"),
    "a field deep inside is removed": (_part(_without("size")), ".parts[].size: removed"),
    "a field deep inside becomes required": (_part(_required("name", "size")), ".parts[].size: now required"),
    "the event is no object": (lambda schema: schema.update(type="array"), "the event: was object, is array"),
}

COMPATIBLE: dict[str, Edit] = {
    "nothing": lambda _: None,
    "words": lambda schema: schema.update(title="New", description="New words"),
    "an optional field is added": _put("new", {"type": "string"}),
    "a required field becomes optional": _required("id"),
    "an enum grows": _kinds("click", "open", "reply"),
    "an enum becomes free text": lambda schema: schema["$defs"].update(Kind={"type": "string"}),
    "an integer becomes a number": _field("share", type="number"),
    "an integer list becomes a number list": _field("slots", items={"type": "number"}),
    "a minimum falls": _field("count", minimum=-1),
    "a maximum rises": _field("count", maximum=11),
    "a bound goes": _drop("count", "maximum"),
    "a format goes": _drop("id", "format"),
    "a pattern goes": _drop("rule", "pattern"),
    "null is allowed": _put("share", {"anyOf": [{"type": "number"}, {"type": "null"}]}),
    "another type is allowed": _put("note", {"type": ["string", "null", "integer"]}),
    "a list may be empty": _drop("slots", "minItems"),
    "a reference is written out": _put("kind", {"type": "string", "enum": ["open", "click"]}),
    "a field deep inside is added": _part(_put("more", {"type": "string"})),
}


def _edited(edit: Edit) -> Schema:
    schema = copy.deepcopy(OLD)
    edit(schema)
    return schema


@pytest.mark.parametrize(("edit", "says"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_found_and_said(edit: Edit, says: str) -> None:
    assert any(change.startswith(says) for change in breaking_changes(OLD, _edited(edit)))


@pytest.mark.parametrize("edit", COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_wider_schema_is_let_through(edit: Edit) -> None:
    assert breaking_changes(OLD, _edited(edit)) == []


def test_a_keyword_that_is_not_understood_is_no_silent_pass() -> None:
    with pytest.raises(UnknownKeyword, match="dependentRequired"):
        breaking_changes(OLD, _edited(_field("values", dependentRequired={"a": ["b"]})))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(RELEASED, tmp_path / check.RELEASED)
    return tmp_path


def _sent(**fields: Any) -> dict[EventName, type[Event]]:
    changed: type[Event] = create_model("MessageSent", __base__=MessageSent, **fields)
    return {EventName("message_sent", 1): changed}


def _breaks(folder: Path, events: dict[EventName, type[Event]]) -> list[str]:
    said = check.breaks(folder, events)
    return [line for line in said if "message_sent" in line or "MessageSent" in line]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"channel": (str, ...)}, ".channel: now required"),
        ({"recipient_count": (int, Field(ge=1))}, ".recipient_count: minimum is 1, was 0"),
        ({"source": (Literal["gmail"], ...)}, ".source: no longer crm"),
        ({"tracked": (int, ...)}, ".tracked: was boolean, is integer"),
    ],
)
def test_a_breaking_change_of_a_released_event_fails_the_check(
    folder: Path, fields: dict[str, Any], says: str
) -> None:
    said = "\n".join(_breaks(folder, _sent(**fields)))
    assert says in said
    assert "add one with schema_version 2" in said


def test_a_released_example_that_is_no_longer_read_fails_the_check(folder: Path) -> None:
    said = _breaks(folder, _sent(channel=(str, ...)))
    assert any("released/message_sent/1/minimal.json can't be read any more" in line for line in said)


def test_a_compatible_change_of_a_released_event_passes(folder: Path) -> None:
    assert _breaks(folder, _sent(channel=(str | None, None))) == []


def test_a_released_event_can_not_disappear(folder: Path) -> None:
    assert _breaks(folder, {}) == [
        "message_sent 1 was released and is gone: topics and archives still hold it"
    ]


def test_releasing_never_overwrites_what_old_data_looks_like(folder: Path) -> None:
    released = folder / "released" / "message_sent" / "1"
    old = json.loads((released / "full.json").read_text()) | {"link_count": 1}
    (released / "full.json").write_text(json.dumps(old))
    assert command.release(folder) == 0
    assert json.loads((released / "full.json").read_text()) == old


def test_a_broken_release_is_refused(folder: Path) -> None:
    file = folder / "released" / "engagement_judged" / "1" / "schema.json"
    schema = schema_of(EngagementJudged)
    schema["properties"]["reader"] = {"type": "string"}
    file.write_text(json.dumps(schema))
    assert command.release(folder) == 1
    assert json.loads(file.read_text()) == schema
