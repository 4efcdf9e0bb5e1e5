"""The walls of [tool.importlinter] stand, and each would notice a way through."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

WAYS_THROUGH = {
    "a service imports another": ("services/ingest/model.py", "import services.crm.model.base"),
    "shared imports a service": ("shared/events/ids.py", "import services.ingest.model"),
    "rules import a driver": ("services/logger/rules.py", "import httpx"),
    "rules in a folder import a driver": ("services/tracker/rules/default.py", "import aiokafka"),
    "a model imports a driver": ("services/ingest/model.py", "import fastapi"),
    "handlers import a driver": ("services/tracker/handlers.py", "import aiokafka"),
    "handlers import an adapter": ("services/notifier/handlers.py", "import services.notifier.adapters.live"),
    "rules import the bus": ("services/logger/rules.py", "import shared.bus.consumer"),
    "rules import an adapter": ("services/ingest/rules.py", "import services.ingest.adapters.broker"),
    "the driver outside of the store": ("services/crm/feed_of_old.py", "import motor.motor_asyncio"),
}


def _linted(folder: Path) -> subprocess.CompletedProcess[str]:
    """lint-imports on a copy: `folder` first, ahead of the installed tree."""
    command = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as c; c()"
    )
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in ("services", "shared"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_walls_stand(copy: Path) -> None:
    linted = _linted(copy)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(("file", "line"), WAYS_THROUGH.values(), ids=WAYS_THROUGH)
def test_a_way_through_is_noticed(copy: Path, file: str, line: str) -> None:
    with (copy / file).open("a") as source:
        source.write(f"\n{line}\n")
    linted = _linted(copy)
    assert linted.returncode == 1, linted.stdout
    assert "BROKEN" in linted.stdout


def test_every_rules_module_is_behind_the_wall() -> None:
    """import-linter has no pattern for `rules_<noun>`: each is named in pyproject.toml."""
    configured = (ROOT / "pyproject.toml").read_text()
    for file in (ROOT / "services").glob("*/rules_*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        assert configured.count(f'"{module}"') == 2, module
