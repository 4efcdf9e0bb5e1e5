"""Lets sent mail follow what somebody changed: the legal bases of its recipients, or whom a rep muted."""

import asyncio
from typing import Protocol

import structlog

from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway
from shared.health.progress import Progress

log = structlog.get_logger(__name__)
LOOP = "privacy reviews"
MUTES_LOOP = "mutes"
_LOOK_AGAIN_S = 2.0  # what another process was asked for and did not finish


class Reviews(Protocol):
    """What there is to follow. `asked`: set when this process was asked for more."""

    asked: asyncio.Event

    async def step(self) -> bool:
        """One piece; whether there was one. Raises DatabaseAway."""


async def review_until(
    stopping: asyncio.Event, reviews: Reviews, progress: Progress, loop: str = LOOP
) -> None:
    """Piece after piece until `stopping`."""
    progress.expect(loop)
    while not stopping.is_set():
        try:
            more = await reviews.step()
        except DatabaseAway as error:
            log.warning("a loop waits for the database", loop=loop, error=type(error).__name__)
            more = False
        else:
            progress.ready(loop)
        progress.moved(loop)
        if not more:
            await any_within(_LOOK_AGAIN_S, stopping, reviews.asked)
