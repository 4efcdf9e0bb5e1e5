"""A replay over a source: compare all, then send what differs. Twice sends nothing more, since what is
sent stands then; a stop is between two messages, and the bookmark says after which."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.tracker.adapters.replay_sources import Source
from services.tracker.replay.bookmark import Bookmark
from services.tracker.replay.differences import Compared, Rules, compared
from services.tracker.replay.summary import Summary
from services.tracker.revocations import Revocations
from shared.bus.producer import EventPublisher
from shared.events.engagements import EngagementJudged

Advance = Callable[[int], None]
AT_ONCE = 500  # corrections that are published, and then noted in the bookmark


class Outlet(Protocol):
    """Where corrections go, and nothing else: a replay tells nobody of an old open."""

    async def send(self, corrections: list[EngagementJudged]) -> None:
        """Returns when they are acknowledged. Raises PublishFailed."""


class Corrections:
    """email.engagements."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher

    async def send(self, corrections: list[EngagementJudged]) -> None:
        """In the order of hits per message. Raises PublishFailed."""
        await self._publisher.publish_all([(correction, ()) for correction in corrections])


@dataclass(frozen=True, slots=True)
class Replay:
    """`stopping`: ends it between two messages. `advance` is told how many messages were looked at."""

    source: Source
    rules: Rules
    revocations: Revocations
    stopping: asyncio.Event
    advance: Advance

    async def compare(self, after: str | None = None) -> Summary:
        """What differs; nothing is sent. Raises DirectoryUnavailable, DirectoryRefused."""
        summary = Summary()
        async for _ in self._compared(after, summary):
            pass
        return summary

    async def send(
        self, bookmark: Bookmark, path: Path, outlet: Outlet, at_once: int = AT_ONCE
    ) -> tuple[Bookmark, Summary]:
        """Send what differs behind the bookmark, and move it. Raises what `compare` does, PublishFailed."""
        summary, last = Summary(), bookmark.after
        waiting: list[EngagementJudged] = []
        async for place, found in self._compared(bookmark.after, summary):
            last = place
            if found is not None:
                waiting += [difference.after for difference in found.differences]
            if len(waiting) >= at_once:
                bookmark = await _sent(bookmark, path, outlet, waiting, last)
                waiting = []
        return await _sent(bookmark, path, outlet, waiting, last), summary

    async def _compared(
        self, after: str | None, summary: Summary
    ) -> AsyncIterator[tuple[str, Compared | None]]:
        """Messages one by one, counted, with the place behind each."""
        async for page in self.source.pages(after):
            for history in page.histories:
                if self.stopping.is_set():
                    return
                if self.revocations.since(history.message_id, history.account_id) is not None:
                    summary.revoked += 1
                    continue
                summary.too_many_hits += not history.whole
                found = compared(history, self.rules)
                summary.add(found)
                yield history.place, found
                await asyncio.sleep(0)
            if self.stopping.is_set():
                return
            self.advance(page.looked_at)
            if page.place is not None:
                yield page.place, None


async def _sent(
    bookmark: Bookmark, path: Path, outlet: Outlet, corrections: list[EngagementJudged], place: str | None
) -> Bookmark:
    if corrections:
        await outlet.send(corrections)
    moved = bookmark.model_copy(update={"after": place, "sent": bookmark.sent + len(corrections)})
    moved.write(path)
    return moved
