"""Deletes what is older than its account keeps it."""

import asyncio
from typing import Protocol

import structlog

from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway
from shared.health.progress import Progress

log = structlog.get_logger(__name__)
LOOP = "retention"
_LOOK_AGAIN_S = 2  # an account's next piece, or a setting that was changed


class Retention(Protocol):
    """What there is to delete."""

    async def step(self) -> bool:
        """Some of it; whether there was any. Raises DatabaseAway."""


async def retain_until(stopping: asyncio.Event, retention: Retention, progress: Progress) -> None:
    """Piece after piece until `stopping`."""
    progress.expect(LOOP)
    while not stopping.is_set():
        try:
            more = await retention.step()
        except DatabaseAway as error:
            log.warning("retention waits for the database", error=type(error).__name__)
            more = False
        else:
            progress.ready(LOOP)
        progress.moved(LOOP)
        if not more:
            await _rest(stopping, progress)


async def _rest(stopping: asyncio.Event, progress: Progress) -> None:
    """Waiting on purpose is not a stall."""
    for _ in range(_LOOK_AGAIN_S):
        if stopping.is_set():
            return
        await any_within(1.0, stopping)
        progress.moved(LOOP)
