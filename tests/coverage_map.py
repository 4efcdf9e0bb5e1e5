"""`python -m tests.coverage_map`: which tests show that a requirement holds.

Ids come from docs/requirements.md, tests from their `requirement` marks, read from the source so that
a test counts whether or not its services run here. An id that the document does not have is a mistake.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ROW = re.compile(r"^\| (?P<id>[A-Z]\d+) \| (?P<text>.+) \|$", re.MULTILINE)
_Def = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Shown:
    """A test, as pytest names it, and one requirement that it shows."""

    requirement: str
    test: str


def requirements(document: Path) -> dict[str, str]:
    """Id and text of every row, in the order of the document. ValueError for an id that is there twice."""
    rows: dict[str, str] = {}
    for row in _ROW.finditer(document.read_text()):
        if row["id"] in rows:
            raise ValueError(f"{document.name} has {row['id']} twice")
        rows[row["id"]] = row["text"]
    return rows


def shown(folder: Path) -> Iterator[Shown]:
    """What the tests below a folder show; a mark on a class or module counts for each of its tests."""
    for file in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        marks = [mark for node in tree.body for mark in _module_marks(node)]
        yield from _inside(tree, str(file.relative_to(folder.parent)), frozenset(marks))


def _module_marks(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
        yield from _ids(node.value)


def _inside(node: ast.Module | ast.ClassDef, name: str, outer: frozenset[str]) -> Iterator[Shown]:
    for child in node.body:
        if not isinstance(child, _Def):
            continue
        marks = outer.union(*(_ids(decorator) for decorator in child.decorator_list))
        if isinstance(child, ast.ClassDef) and child.name.startswith("Test"):
            yield from _inside(child, f"{name}::{child.name}", marks)
        elif child.name.startswith("test_"):
            yield from (Shown(requirement, f"{name}::{child.name}") for requirement in sorted(marks))


def _ids(expression: ast.expr) -> Iterator[str]:
    """The ids of every `...requirement("T1", ...)` in an expression, also inside pytest.param."""
    for call in ast.walk(expression):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.requirement"):
            for argument in call.args:
                yield str(ast.literal_eval(argument))


def table(rows: Mapping[str, str], tests: Mapping[str, list[str]]) -> str:
    """The map, for people."""
    lines = []
    for requirement, text in rows.items():
        lines.append(f"{requirement:<4} {_short(text)}")
        lines += [f"       {test}" for test in sorted(tests.get(requirement, []))] or ["       no test yet"]
    bare = [requirement for requirement in rows if not tests.get(requirement)]
    count = f"{len(rows) - len(bare)} of {len(rows)} requirements have a test"
    lines.append(f"\n{count}; without: {' '.join(bare) or 'none'}")
    return "\n".join(lines)


def _short(text: str) -> str:
    plain = text.replace("*", "").replace("`", "")
    return plain if len(plain) <= 100 else plain[:99].rsplit(" ", 1)[0] + " …"


def main(document: Path = ROOT / "docs" / "requirements.md", folder: Path = ROOT / "tests") -> int:
    """Print the map. Exit code 1 when a test names an id that is no requirement."""
    rows = requirements(document)
    tests: dict[str, list[str]] = defaultdict(list)
    for one in shown(folder):
        tests[one.requirement].append(one.test)
    sys.stdout.write(table(rows, tests) + "\n")
    unknown = sorted(tests.keys() - rows.keys())
    for requirement in unknown:
        sys.stderr.write(f"{requirement} is no requirement, but {tests[requirement][0]} names it\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
