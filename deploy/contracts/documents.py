"""All generated documents: path below contracts/ and text. The same input gives the same bytes."""

import json
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

import yaml

from deploy.contracts import asyncapi, openapi
from deploy.contracts.schemas import all_events, name_of, schema_of
from shared.events.codec import encode
from shared.events.examples import examples_of

Documents = dict[PurePosixPath, str]


def generated() -> Documents:
    """Everything but `released/`, which only ever grows by hand."""
    documents = {PurePosixPath("asyncapi.yaml"): _yaml(asyncapi.document(version("kaifu")))}
    for service in openapi.SOURCES:
        documents[PurePosixPath("openapi", f"{service}.json")] = as_json(openapi.document(service))
    return documents | event_documents()


def event_documents() -> Documents:
    """Schema and examples of every event."""
    documents = {}
    for _, event in all_events():
        name = name_of(event)
        documents[name.schema_path] = as_json(schema_of(event))
        for label, example in examples_of(event).items():
            path = PurePosixPath("examples") / name.folder / f"{label}.json"
            documents[path] = as_json(json.loads(encode(example)))
    return documents


def as_json(value: Any) -> str:
    """Indented, UTF-8 as it is, keys in the order of their making, a newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_NoAnchors, sort_keys=False, allow_unicode=True, width=110)
    return text


class _NoAnchors(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
