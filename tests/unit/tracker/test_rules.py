"""Rules as data: each explained, sourced, and pinned to its version."""

import ast
import hashlib
import inspect
import string
from importlib.resources import files

import pytest

from services.tracker import notify, verdict
from services.tracker.rules import ALL_RULES, FAMILIES, RULESET_VERSION, google, networks, rulesets
from shared.events.evidence import SENTENCES

# version -> digest of the rules' code and data, comments and docstrings apart. A change without a new
# version fails here; add a line, never change one that was released.
RELEASED = {"2026.11.1": "6502b0daeb25f4db", "2026.11.2": "79abc9f057b0532d", "2026.11.3": "5bc65eed488a5e16"}


def _digest() -> str:
    folder = files("services.tracker.rules").joinpath("data")
    data = "".join(one.read_text() for one in sorted(folder.iterdir(), key=lambda one: one.name))
    judging = (*FAMILIES, google, networks, rulesets, verdict, notify)
    code = "".join(_meaning(inspect.getsource(module)) for module in judging)
    return hashlib.sha256((code + data).encode()).hexdigest()[:16]


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.requirement("B1", "B2")
def test_a_changed_rule_has_a_new_version() -> None:
    assert RELEASED[RULESET_VERSION] == _digest(), "bump RULESET_VERSION and add its digest"


@pytest.mark.requirement("B1", "B10")
@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_every_rule_is_explained(rule: object) -> None:
    assert rule.source  # type: ignore[attr-defined]
    assert rule.doubt  # type: ignore[attr-defined]
    sentence = SENTENCES[rule.id]  # type: ignore[attr-defined]
    assert set(sentence) == {"en", "ja"}
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in sentence.values()
    ]
    assert fields[0] == fields[1], "both languages name the same values"


@pytest.mark.requirement("B1")
def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in ALL_RULES}) == len(ALL_RULES)
