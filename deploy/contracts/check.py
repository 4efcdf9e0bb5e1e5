"""What can be wrong with the documents in `contracts/`, each in words that say what to do."""

import difflib
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from deploy.contracts.compatibility import breaking_changes
from deploy.contracts.documents import Documents
from deploy.contracts.schemas import EventName, all_events, name_of, schema_of
from shared.events.base import Event

_DIFF_LINES = 20
_FORMATS = Draft202012Validator.FORMAT_CHECKER
RELEASED = "released"


def drift(folder: Path, wanted: Documents) -> Iterator[str]:
    """Files that differ from what the code makes, are missing, or are left over."""
    for path, text in sorted(wanted.items()):
        file = folder / path
        found = file.read_text() if file.exists() else ""
        if found != text:
            lines = difference(str(path), found, text)
            yield f"{path} is not what the code says: run `make contracts`\n{lines}"
    known = {folder / path for path in wanted}
    for file in sorted(folder.rglob("*")):
        generated = file.is_file() and file.relative_to(folder).parts[0] != RELEASED
        if generated and file not in known:
            yield f"{file.relative_to(folder)} belongs to nothing: run `make contracts`"


def difference(name: str, found: str, wanted: str) -> str:
    """The first lines in which a file differs from what the code makes."""
    lines = difflib.unified_diff(
        found.splitlines(), wanted.splitlines(), f"{name} (file)", f"{name} (code)", lineterm="", n=1
    )
    return "\n".join(islice(lines, _DIFF_LINES))


def invalid_examples(folder: Path) -> Iterator[str]:
    """Example files that their schema file or their model refuses, and events without an example."""
    for _, event in all_events():
        name = name_of(event)
        schema_file = folder / name.schema_path
        if not schema_file.exists():
            continue  # drift says so
        schema = json.loads(schema_file.read_text())
        files = sorted((folder / "examples" / name.folder).glob("*.json"))
        if not files:
            yield f"{name.type} has no example: add one to shared/events/examples.py"
        for file in files:
            yield from _refusals(str(file.relative_to(folder)), file.read_text(), schema, event)


def _refusals(place: str, text: str, schema: dict[str, Any], event: type[Event]) -> Iterator[str]:
    for error in Draft202012Validator(schema, format_checker=_FORMATS).iter_errors(json.loads(text)):
        yield f"{place} does not meet its schema at {error.json_path}: {error.message}"
    try:
        event.model_validate_json(text)
    except ValueError as error:
        yield f"{place} is refused by its model: {error}"


def breaks(folder: Path, current: Mapping[EventName, type[Event]] | None = None) -> Iterator[str]:
    """Released events that the code no longer reads; `current` is the catalogue's unless given."""
    events = current if current is not None else {name_of(event): event for _, event in all_events()}
    for file in sorted((folder / RELEASED).rglob("schema.json")):
        name = EventName(file.parent.parent.name, int(file.parent.name))
        if name not in events:
            yield f"{name.type} {name.version} was released and is gone: topics and archives still hold it"
            continue
        event = events[name]
        for change in breaking_changes(json.loads(file.read_text()), schema_of(event)):
            yield (
                f"{name.type} {name.version} breaks its readers: {change}. Keep version {name.version} as it "
                f"is and add one with schema_version {name.version + 1}"
            )
        yield from _unreadable(folder, file.parent, event)


def _unreadable(folder: Path, released: Path, event: type[Event]) -> Iterator[str]:
    """Consumers read leniently, so a released example may have fields that are not known any more."""
    for file in sorted(released.glob("*.json")):
        if file.name == "schema.json":
            continue
        try:
            event.model_validate_json(file.read_text(), extra="ignore")
        except ValueError as error:
            yield f"{file.relative_to(folder)} can't be read any more: {error}"
