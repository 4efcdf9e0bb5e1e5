"""Log files: rotated at a start, the last error found, new lines followed and drawn."""

import json
from pathlib import Path

import pytest

from deploy.local import logs
from deploy.local.logs import Follower, last_error, rendered, rotate


def line(level: str, event: str, **more: object) -> str:
    return json.dumps({"service": "crm", "level": level, "event": event, **more}) + "\n"


def test_a_large_log_is_moved_aside_and_three_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "ROTATE_AT", 5)
    log = tmp_path / "crm.log"
    for content in ("first!", "second", "third!", "fourth", "fifth!"):
        log.write_text(content)
        rotate(log)
    assert not log.exists()
    assert [(tmp_path / f"crm.log.{number}").read_text() for number in (1, 2, 3)] == [
        "fifth!",
        "fourth",
        "third!",
    ]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_small_log_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "crm.log"
    log.write_text("a line\n")
    rotate(log)
    assert log.read_text() == "a line\n"


def test_the_last_error_wins_over_later_lines(tmp_path: Path) -> None:
    log = tmp_path / "crm.log"
    log.write_text(
        line("error", "old") + line("error", "can't start", error="no keys") + line("info", "stopped")
    )
    assert last_error(log, 0) == "can't start: no keys"


def test_an_exception_is_told_by_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "crm.log"
    log.write_text(line("error", "the service failed", exception="Traceback\n  File\nKeyError: 'x'"))
    assert last_error(log, 0) == "the service failed: KeyError: 'x'"


def test_without_an_error_the_last_line_is_told(tmp_path: Path) -> None:
    log = tmp_path / "broker.log"
    log.write_text(line("info", "up") + "\x1b[31mpanicked\x1b[0m at broker.rs\n\n")
    assert last_error(log, 0) == "panicked at broker.rs"
    assert last_error(tmp_path / "none.log", 0) == ""


def test_following_yields_whole_lines_across_rotation(tmp_path: Path) -> None:
    log = tmp_path / "crm.log"
    log.write_text("before\n")
    follower = Follower({"crm": log, "ingest": tmp_path / "ingest.log"}, history=0)
    assert list(follower.new_lines()) == []
    with log.open("a") as file:
        file.write("one\ntw")
    assert list(follower.new_lines()) == [("crm", "one")]
    with log.open("a") as file:
        file.write("o\n")
    assert list(follower.new_lines()) == [("crm", "two")]
    with log.open("a") as file:
        file.write("cut off")
    assert list(follower.new_lines()) == []
    log.rename(tmp_path / "crm.log.1")
    log.write_text("new\n")
    (tmp_path / "ingest.log").write_text("first\n")
    assert list(follower.new_lines()) == [("crm", "new"), ("ingest", "first")]


def test_a_line_is_drawn_with_its_parts() -> None:
    entry = line("warning", "waiting", timestamp="2026-11-24T01:02:03.456789Z", pause_s=0.5, trace_id="ab")
    drawn = rendered("crm", entry).plain
    assert drawn.split() == ["01:02:03.456", "crm", "warning", "waiting", "pause_s=0.5", "trace=ab"]


def test_an_exception_is_drawn_whole_below_its_line() -> None:
    drawn = rendered("crm", line("error", "failed", exception="Traceback\nKeyError: 'x'")).plain
    first, *below = drawn.splitlines()
    assert first.split() == ["crm", "error", "failed"]
    assert below == ["Traceback", "KeyError: 'x'"]


def test_a_line_that_is_no_json_is_drawn_as_it_is() -> None:
    assert "Traceback [most" in rendered("crm", "Traceback [most\n").plain
