"""Where the quick server is, and what is said where it is not."""

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import database
from bench.results import Figure
from deploy.local.embedded import PROGRAM


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only one in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(PROGRAM, raising=False)
    monkeypatch.setattr(database, "_CARGO", tmp_path / "cargo")
    return tmp_path


def a_server(path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\necho a-server 1.2.3; echo more\n")
    path.chmod(0o755)
    return str(path)


def test_it_is_named_on_the_path_or_where_cargo_puts_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database.quick() is None
    assert a_server(folder / "cargo" / "secantusd-rs") == database.quick()
    assert a_server(folder / "secantusd-rs") == database.quick()
    other = a_server(folder / "another" / "server")
    monkeypatch.setenv(PROGRAM, other)
    assert database.quick() == other
    assert database.quick_name() == database.name() == "database: a-server 1.2.3"
    monkeypatch.delenv(PROGRAM)
    assert database.name() == "database: the embedded one"


@pytest.mark.usefixtures("folder")
def test_a_bench_that_needs_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    async def measured(name: str) -> list[Figure]:
        done.append(name)
        return []

    monkeypatch.setattr(bench, "need", lambda *_: None)
    monkeypatch.setattr(bench, "_measured", measured)
    monkeypatch.setattr(bench, "write", lambda _: None)
    monkeypatch.setattr("sys.argv", ["bench", "decisions", "timeline"])
    with pytest.raises(SystemExit, match=r"^bench timeline needs secantusd-rs.*cargo install secantus-mdb"):
        bench.main()
    assert done == []
    monkeypatch.setattr("sys.argv", ["bench"])
    bench.main()
    left_out = {"timeline", "accuracy", "compose", "driver"}
    assert done == [name for name in bench.BENCHES if name not in left_out]
    assert (
        "left out: timeline, accuracy, compose, driver, which needs secantusd-rs" in capsys.readouterr().out
    )
