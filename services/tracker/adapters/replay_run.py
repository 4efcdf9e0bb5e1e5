"""The whole of a replay: open what is read, compare, ask, send, with Ctrl-C as an orderly stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

from services.tracker.adapters.replay_sources import Reaches, Source, Sources
from services.tracker.adapters.replaying import Advance, Corrections, Replay
from services.tracker.adapters.whole_topics import all_revocations, reading
from services.tracker.replay.bookmark import Bookmark, SourceName
from services.tracker.replay.differences import Rules
from services.tracker.replay.summary import Summary
from services.tracker.rules.rulesets import RULESETS
from shared.bus.producer import EventPublisher
from shared.directory.histories import HistoriesAsked
from shared.settings import KafkaSettings

End = Literal["nothing differs", "dry run", "declined", "interrupted", "done"]


class Talk(Protocol):
    """What the operator sees and says."""

    def reading(self, source: SourceName, reaches: Reaches, bookmark: Bookmark) -> None:
        """Which source was taken, and how far it reaches."""

    def advancing(self, what: str, messages: int) -> AbstractContextManager[Advance]:
        """A progress bar."""

    def differs(self, summary: Summary) -> None:
        """What a replay would change."""

    def agrees(self) -> bool:
        """Whether to send it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`source` auto: what reaches further back. `resumed`: the comparison was seen and agreed to before."""

    bookmark: Bookmark
    source: SourceName | Literal["auto"]
    state: Path
    horizon: timedelta
    dry_run: bool = False
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `summary`: of what was looked at, in the last of its two passes."""

    end: End
    bookmark: Bookmark
    reaches: Reaches
    summary: Summary


async def run(asked: Asked, talk: Talk) -> Outcome:
    """Raises KafkaError, PublishFailed, DirectoryUnavailable, DirectoryRefused, SourceUnavailable."""
    kafka, given = KafkaSettings(), asked.bookmark
    histories = HistoriesAsked(
        since=given.since, until=given.until, account_id=given.account_id, message_id=given.message_id
    )
    async with Sources.opened(kafka, histories) as sources:
        name = sources.reaches.further(given.since) if asked.source == "auto" else asked.source
        bookmark = given.model_copy(update={"source": name})
        talk.reading(name, sources.reaches, bookmark)
        async with sources.source(name, histories, asked.state.parent) as source:
            passes = _Passes(kafka, source, asked, talk)
            end, bookmark, summary = await passes.all(bookmark)
    return Outcome(end, bookmark, sources.reaches, summary)


@dataclass(frozen=True, slots=True)
class _Passes:
    kafka: KafkaSettings
    source: Source
    asked: Asked
    talk: Talk

    async def all(self, bookmark: Bookmark) -> tuple[End, Bookmark, Summary]:
        """Compare, unless that was agreed to before; then send, each time from what stands by then."""
        if not self.asked.resumed:
            async with self._pass("comparing", bookmark) as replay:
                summary = await replay.compare()
            if replay.stopping.is_set():
                return "interrupted", bookmark, summary
            self.talk.differs(summary)
            if not summary.corrections:
                return "nothing differs", bookmark, summary
            if self.asked.dry_run:
                return "dry run", bookmark, summary
            if not self.talk.agrees():
                return "declined", bookmark, summary
        bookmark.write(self.asked.state)
        async with self._pass("sending", bookmark) as replay, _publishing(self.kafka) as outlet:
            bookmark, summary = await replay.send(bookmark, self.asked.state, outlet)
        if replay.stopping.is_set():
            return "interrupted", bookmark, summary
        self.asked.state.unlink(missing_ok=True)
        return "done", bookmark, summary

    @asynccontextmanager
    async def _pass(self, what: str, bookmark: Bookmark) -> AsyncIterator[Replay]:
        rules = Rules(RULESETS[bookmark.ruleset], self.asked.horizon, bookmark.until)
        async with reading(self.kafka) as client:
            revocations = await all_revocations(client, self.kafka.partitions)
        with stopped_by_ctrl_c() as stopping, self.talk.advancing(what, self.source.messages) as advance:
            yield Replay(self.source, rules, revocations, stopping, advance)


@asynccontextmanager
async def _publishing(kafka: KafkaSettings) -> AsyncIterator[Corrections]:
    publisher = EventPublisher(kafka)
    await publisher.start()
    try:
        yield Corrections(publisher)
    finally:
        await publisher.stop()


@contextmanager
def stopped_by_ctrl_c() -> Iterator[asyncio.Event]:
    """Set by SIGINT and SIGTERM meanwhile; at other times they end the process as ever."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    wishes = (signal.SIGINT, signal.SIGTERM)
    for wish in wishes:
        loop.add_signal_handler(wish, stopping.set)
    try:
        yield stopping
    finally:
        for wish in wishes:
            loop.remove_signal_handler(wish)
