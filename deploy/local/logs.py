"""The log files of the parts: rotated at a start, read for the last error, followed in colour."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

ROTATE_AT = 8 * 1024 * 1024  # bytes
KEPT = 3  # older files of each part
_TAIL = 64 * 1024  # bytes looked at for the last error
_COLOURS = {
    "crm": "green",
    "ingest": "cyan",
    "tracker": "magenta",
    "logger": "yellow",
    "notifier": "blue",
    "broker": "bright_black",
    "database": "bright_black",
}
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;]*m")
_LEVELS = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
_OWN = {"service", "level", "event", "timestamp", "exception", "logger", "trace_id", "span_id"}


def rotate(log: Path) -> None:
    """Move a large log aside (`.1` is the newest of three); a start begins it afresh."""
    if not log.exists() or log.stat().st_size < ROTATE_AT:
        return
    for number in range(KEPT, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def last_error(log: Path, start: int) -> str:
    """The last line from byte `start` on that says an error, or the last line at all; "" if none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - _TAIL))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    said = [_said(line) for line in lines]
    errors = [text for level, text in said if level in ("error", "critical")]
    return (errors or [text for _, text in said] or [""])[-1]


def _said(line: str) -> tuple[str, str]:
    """Level and one-line text of a log line; a line that is not JSON says itself."""
    entry = _entry(line)
    if entry is None:
        return "", _TERMINAL_CODE.sub("", line).strip()
    text = str(entry.get("event", ""))
    if entry.get("error"):
        text += f": {entry['error']}"
    exception = str(entry.get("exception", "")).strip()
    if exception:
        text += f": {exception.splitlines()[-1].strip()}"
    return str(entry.get("level", "")), text


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def rendered(part: str, line: str) -> Text:
    """A log line for a person: time, part, level, event, then the rest as name=value."""
    entry: Mapping[str, Any] = _entry(line) or {"event": line.rstrip()}
    level = str(entry.get("level", "info"))
    text = Text()
    text.append(str(entry.get("timestamp", ""))[11:23].ljust(13), style="bright_black")
    text.append(part.ljust(9), style=_COLOURS.get(part, ""))
    text.append(level.ljust(8), style=_LEVELS.get(level, "bright_black"))
    text.append(str(entry.get("event", "")), style=_LEVELS.get(level, ""))
    for name, value in entry.items():
        if name not in _OWN:
            text.append(f" {name}=", style="bright_black").append(str(value))
    if entry.get("trace_id"):
        text.append(f" trace={entry['trace_id']}", style="bright_black")
    if entry.get("exception"):
        text.append("\n" + str(entry["exception"]), style="red")
    return text


class Follower:
    """Reads what is appended to log files, also across their rotation."""

    def __init__(self, logs: Mapping[str, Path], *, history: int = 4096) -> None:
        self._logs = logs
        self._at = {part: max(0, _size(log) - history) for part, log in logs.items()}
        self._rest = dict.fromkeys(logs, b"")

    def new_lines(self) -> Iterator[tuple[str, str]]:
        """What came since the last look: (part, line), each file in its own order."""
        for part, log in self._logs.items():
            size = _size(log)
            if size < self._at[part]:
                self._at[part], self._rest[part] = 0, b""
            if size == self._at[part]:
                continue
            with log.open("rb") as file:
                file.seek(self._at[part])
                *lines, self._rest[part] = (self._rest[part] + file.read()).split(b"\n")
                self._at[part] = file.tell()
            for line in lines:
                yield part, line.decode(errors="replace")

    def follow(self) -> Iterator[tuple[str, str]]:
        """Lines for ever. Files are looked at four times a second: no portable call waits for many."""
        while True:
            yield from self.new_lines()
            time.sleep(0.25)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
