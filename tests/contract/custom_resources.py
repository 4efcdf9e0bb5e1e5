"""The published schemas of the custom resources in `deploy/kubernetes`, as the API server applies them.

`python -m tests.contract.custom_resources CRD.yaml...` takes them anew from CustomResourceDefinitions; where
those of a release are found is said in `crds/LICENSE.md`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Schema = dict[str, Any]
VERSION = "v1"
_FOLDER = Path(__file__).with_name("crds")
_FREE = "x-kubernetes-preserve-unknown-fields"
_OF_SCHEMAS = ("properties", "patternProperties")  # what maps names to schemas: a name may be "description"
_LISTS = ("allOf", "anyOf", "oneOf")  # like `not`, they name only fields that stand beside them too


@cache
def validator(kind: str) -> Draft202012Validator:
    """Of one kind; a field that its definition does not know is a fault, as for `kubectl apply`."""
    return Draft202012Validator(strict(json.loads((_FOLDER / f"{kind}.json").read_text())))


def strict(schema: Schema) -> Schema:
    """A structural schema as JSON Schema: unknown fields forbidden, extensions in its own words."""
    known = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if known.pop("nullable", False):
        known["type"] = [known["type"], "null"]
    if schema.get("x-kubernetes-int-or-string"):
        known["type"] = ["integer", "string"]
    if "properties" in known and not schema.get(_FREE):
        known.setdefault("additionalProperties", False)
    return _mapped(known, strict, into_logic=False)


def stripped(schema: Schema) -> Schema:
    """Without the texts for people, which are most of it."""
    return _mapped({key: value for key, value in schema.items() if key != "description"}, stripped)


def _mapped(schema: Schema, change: Any, *, into_logic: bool = True) -> Schema:
    """With `change` done to each schema in it."""

    def part(key: str, value: Any) -> Any:
        if key in _OF_SCHEMAS:
            return {name: change(one) for name, one in value.items()}
        if key in ("items", "additionalProperties") and isinstance(value, dict):
            return change(value)
        if key in _LISTS and into_logic:
            return [change(one) for one in value]
        return change(value) if key == "not" and into_logic else value

    return {key: part(key, value) for key, value in schema.items()}


def _definitions(paths: list[str]) -> Iterator[Mapping[str, Any]]:
    for path in paths:
        yield from (one for one in yaml.safe_load_all(Path(path).read_text()) if one)


def _take(paths: list[str]) -> None:
    for definition in _definitions(paths):
        kind = definition["spec"]["names"]["kind"]
        of_version = {one["name"]: one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"]}
        text = json.dumps(stripped(of_version[VERSION]), indent=1, sort_keys=True)
        (_FOLDER / f"{kind}.json").write_text(text + "\n")
        sys.stdout.write(f"{kind}: {len(text) // 1000} kB\n")


if __name__ == "__main__":
    _take(sys.argv[1:])
