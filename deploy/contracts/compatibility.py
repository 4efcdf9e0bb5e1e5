"""Whether a schema still reads what an older one allowed.

A change breaks when some value that the old schema allowed is refused by the new one, or when a
field that readers may use is gone. Widening is fine: readers are deployed before writers. What
breaks becomes a new `schema_version` beside the old one.
"""

from collections.abc import Iterator
from typing import Any

_NOTES = {"title", "description", "default", "examples", "discriminator", "$schema", "$id", "$defs"}
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "uniqueItems", "multipleOf", "contentEncoding")
_STRUCTURE = {"type", "enum", "const", "properties", "required", "items", "additionalProperties"}
_CHOICE = {"anyOf", "oneOf", "$ref"}
_KNOWN = _NOTES | {*_LOWER, *_UPPER, *_EXACT} | _STRUCTURE | _CHOICE
_WIDER = {"integer": {"integer", "number"}}

Schema = dict[str, Any]


class UnknownKeyword(ValueError):
    """The comparison does not know this keyword; teach it before using it in an event."""


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What the new schema refuses or lacks, one sentence each with its place; empty: compatible."""
    return list(_Comparison(old, new).faults("", old, new))


class _Comparison:
    """Two documents side by side; each resolves its own references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def faults(self, place: str, old: Any, new: Any) -> Iterator[str]:
        """What of `old` is refused by `new`, both at `place`."""
        choices = list(_alternatives(self._new, new))
        for before in _alternatives(self._old, old):
            attempts = [list(self._simple(place, before, after)) for after in choices]
            if all(attempts):
                yield from min(attempts, key=len)

    def _simple(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        where = place or "the event"
        if not _types(old) <= _widened(_types(new)):
            yield f"{where}: was {_said(_types(old))}, is {_said(_types(new))}"
            return
        yield from _values(where, old, new)
        yield from _bounds(where, old, new)
        yield from self._fields(place, old, new)
        yield from self._inside(f"{place}[]", old.get("items", {}), new.get("items", {}))
        yield from self._inside(
            f"{place}.*", old.get("additionalProperties", {}), new.get("additionalProperties", {})
        )

    def _inside(self, place: str, old: Any, new: Any) -> Iterator[str]:
        if new in ({}, True):
            return
        if new is False and old is not False:
            yield f"{place}: no longer allowed"
        elif isinstance(new, dict) and old is not False:
            yield from self.faults(place, {} if old is True else old, new)

    def _fields(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before.keys() - after.keys():
            yield f"{place}.{name}: removed"
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{place}.{name}: now required"
        for name in sorted(before.keys() & after.keys()):
            yield from self.faults(f"{place}.{name}", before[name], after[name])


def _alternatives(document: Schema, node: Schema) -> Iterator[Schema]:
    """The node as plain schemas of which a value meets at least one; references resolved."""
    unknown = node.keys() - _KNOWN
    if unknown:
        raise UnknownKeyword(f"the comparison of schemas does not know {', '.join(sorted(unknown))}")
    if "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        yield from _alternatives(document, target)
    elif choices := node.get("anyOf", node.get("oneOf")):
        for choice in choices:
            yield from _alternatives(document, choice)
    else:
        yield node


_ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def _types(node: Schema) -> frozenset[str]:
    found = node.get("type", _ANY)
    return frozenset({found}) if isinstance(found, str) else frozenset(found)


def _widened(types: frozenset[str]) -> frozenset[str]:
    return types | {narrow for narrow, wide in _WIDER.items() if wide & types}


def _said(types: frozenset[str]) -> str:
    return "anything" if types == _ANY else " or ".join(sorted(types))


def _values(where: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = _listed(old), _listed(new)
    if after is None:
        return
    if before is None:
        yield f"{where}: only some values are left"
    elif gone := [value for value in before if value not in after]:
        yield f"{where}: no longer {', '.join(map(str, gone))}"


def _listed(node: Schema) -> list[Any] | None:
    return [node["const"]] if "const" in node else node.get("enum")


def _bounds(where: str, old: Schema, new: Schema) -> Iterator[str]:
    for bound in _LOWER:
        if bound in new and (bound not in old or new[bound] > old[bound]):
            yield f"{where}: {bound} is {new[bound]}, was {old.get(bound, 'none')}"
    for bound in _UPPER:
        if bound in new and (bound not in old or new[bound] < old[bound]):
            yield f"{where}: {bound} is {new[bound]}, was {old.get(bound, 'none')}"
    for rule in _EXACT:
        if rule in new and new[rule] != old.get(rule):
            yield f"{where}: {rule} is {new[rule]}, was {old.get(rule, 'none')}"
