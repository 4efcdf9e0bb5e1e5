"""Values that a JSON Schema of an event allows, for property tests."""

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]


def values(document: Schema, node: Schema | None = None) -> st.SearchStrategy[Any]:
    """Values of `node` (by default of the whole document); KeyError for a keyword it can't make."""
    node = document if node is None else node
    if "$ref" in node:
        return values(document, document["$defs"][node["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in node:
        return st.one_of([values(document, choice) for choice in node["anyOf"]])
    if "const" in node:
        return st.just(node["const"])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node["type"] == "object":
        return _objects(document, node)
    if node["type"] == "array":
        return st.lists(values(document, node["items"]), min_size=node.get("minItems", 0), max_size=4)
    return _SCALARS[node["type"]](node)


def _objects(document: Schema, node: Schema) -> st.SearchStrategy[Any]:
    if "properties" not in node:
        return st.dictionaries(
            st.text(max_size=8), values(document, node["additionalProperties"]), max_size=3
        )
    fields = {name: values(document, field) for name, field in node["properties"].items()}
    required = set(node.get("required", ()))
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


def _strings(node: Schema) -> st.SearchStrategy[Any]:
    if "pattern" in node:
        return st.from_regex(node["pattern"].replace("$", r"\Z"))
    if node.get("format") == "uuid":
        return st.uuids().map(str)
    if node.get("format") == "date-time":
        return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    return st.text(max_size=min(node.get("maxLength", 30), 30))


_SCALARS = {
    "string": _strings,
    "integer": lambda node: st.integers(node.get("minimum", -(2**53)), node.get("maximum", 2**53)),
    "number": lambda node: st.floats(
        node.get("minimum"), node.get("maximum"), allow_nan=False, allow_infinity=False
    ),
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
