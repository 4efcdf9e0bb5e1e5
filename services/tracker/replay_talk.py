"""What an operator sees of a replay: progress on standard error, the table on standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.tracker.adapters.replay_sources import Reaches
from services.tracker.adapters.replaying import Advance
from services.tracker.replay.bookmark import Bookmark, SourceName
from services.tracker.replay.summary import Summary


class ConsoleTalk:
    """In words; with `as_json` nothing but progress. `yes`: whether it is agreed to without asking."""

    def __init__(self, *, yes: bool, as_json: bool) -> None:
        self._yes = yes
        self._as_json = as_json
        self._aside = Console(stderr=True)

    def reading(self, source: SourceName, reaches: Reaches, bookmark: Bookmark) -> None:
        """Which source was taken, and how far it reaches."""
        self._aside.print(
            f"reads {'crm’s archive' if source == 'archive' else 'Kafka'}; raw hits reach back to: "
            f"archive {_said(reaches.archive)}, Kafka {_said(reaches.kafka)}",
            highlight=False,
        )
        reach = reaches.archive if source == "archive" else reaches.kafka
        if reach is None or reach > bookmark.since:
            self._aside.print("what is older stays as it was judged: its raw hits are gone", highlight=False)

    @contextmanager
    def advancing(self, what: str, messages: int) -> Iterator[Advance]:
        """A progress bar over messages."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._aside) as bar:
            task = bar.add_task(what, total=messages)
            yield lambda count: bar.advance(task, count)

    def differs(self, summary: Summary) -> None:
        """What a replay would change."""
        if not self._as_json:
            show(summary, Console(width=None if sys.stdout.isatty() else 100))

    def agrees(self) -> bool:
        """Asked on the terminal; without one, only `yes` is a yes."""
        if self._yes or self._as_json or not sys.stdin.isatty():
            return self._yes
        return typer.confirm("Send these corrections?")


def show(summary: Summary, console: Console) -> None:
    """The difference as tables."""
    verdicts = Table("verdict", "before", "after", "difference")
    for name, before, after in summary.by_verdict():
        verdicts.add_row(name, str(before), str(after), f"{after - before:+}" if after != before else "")
    console.print(verdicts)
    if summary.rules:
        rules = Table("rule that decides", "corrections")
        for rule, count in summary.rules.most_common():
            rules.add_row(rule, str(count))
        console.print(rules)
    console.print(_in_words(summary), highlight=False)


def _in_words(summary: Summary) -> str:
    said = [
        f"{_many(summary.messages, 'mail')}, {_many(summary.corrections, 'correction')}: "
        f"{_many(summary.closed, 'mail')} from Opened to Sent, {summary.opened} from Sent to Opened"
    ]
    if summary.left:
        said.append(
            f"left to the tracker, which may still judge them: {_many(summary.left, 'difference')}; "
            "a replay after a day finds what remains"
        )
    if summary.revoked:
        said.append(f"left alone, since tracking was revoked: {_many(summary.revoked, 'mail')}")
    if summary.too_many_hits:
        said.append(f"left alone, since there are too many hits: {_many(summary.too_many_hits, 'mail')}")
    return "\n".join(said)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _said(moment: datetime | None) -> str:
    return "nothing" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")
