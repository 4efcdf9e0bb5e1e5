"""The coverage map finds every mark, and an id that is none."""

from pathlib import Path

import pytest

from tests import coverage_map
from tests.coverage_map import Shown, main, requirements, shown

DOCUMENT = """# What it does
| id | requirement |
|---|---|
| T1 | A *Track* checkbox. |
| T2 | A pixel | and links. |
| L13 | Every decision keeps its reasons. |
"""
TESTS = """
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.requirement("T1")]

@pytest.mark.requirement("T2", "L13")
@pytest.mark.parametrize("x", [1, 2])
def test_both(x): ...

async def test_module_mark_alone(): ...

@pytest.mark.requirement("L13")
class TestMany:
    async def test_inside(self): ...

def not_a_test(): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.md").write_text(DOCUMENT)
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_it.py").write_text(TESTS)
    return tmp_path


def test_rows_are_read_with_their_text(project: Path) -> None:
    assert requirements(project / "requirements.md") == {
        "T1": "A *Track* checkbox.",
        "T2": "A pixel | and links.",
        "L13": "Every decision keeps its reasons.",
    }


def test_an_id_that_is_there_twice_is_a_mistake(project: Path) -> None:
    (project / "requirements.md").write_text(DOCUMENT + "| T1 | Again. |\n")
    with pytest.raises(ValueError, match="T1 twice"):
        requirements(project / "requirements.md")


def test_marks_of_functions_classes_and_modules_are_found(project: Path) -> None:
    file = "tests/unit/test_it.py"
    assert sorted(shown(project / "tests")) == [
        Shown("L13", f"{file}::TestMany::test_inside"),
        Shown("L13", f"{file}::test_both"),
        Shown("T1", f"{file}::TestMany::test_inside"),
        Shown("T1", f"{file}::test_both"),
        Shown("T1", f"{file}::test_module_mark_alone"),
        Shown("T2", f"{file}::test_both"),
    ]


def test_the_map_names_what_has_no_test(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "requirements.md").write_text(DOCUMENT + "| B9 | Webhooks. |\n")
    assert main(project / "requirements.md", project / "tests") == 0
    out = capsys.readouterr().out
    assert "B9   Webhooks.\n       no test yet\n" in out
    assert out.endswith("3 of 4 requirements have a test; without: B9\n")


def test_an_unknown_id_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "tests" / "unit" / "test_it.py").write_text(TESTS.replace('"T2"', '"T99"'))
    assert main(project / "requirements.md", project / "tests") == 1
    assert "T99 is no requirement, but tests/unit/test_it.py::test_both names it" in capsys.readouterr().err


def test_every_mark_of_this_repository_is_a_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().err
    assert len(requirements(coverage_map.ROOT / "docs" / "requirements.md")) == 51
