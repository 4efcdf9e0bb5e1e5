"""Counts the verdicts that an earlier release wrote, once."""

import asyncio
from typing import Protocol
from uuid import UUID

import structlog

from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway

log = structlog.get_logger(__name__)
_AGAIN_S = 5.0
_PAUSE_S = 0.1  # between two pieces, for who writes and reads


class Counting(Protocol):
    """What there is to count."""

    async def is_done(self) -> bool:
        """Whether it was done before."""

    async def step(self, after: UUID | None) -> tuple[UUID | None, int]:
        """The next piece: how far (None: there was none) and how many were counted."""

    async def done(self) -> None:
        """Remember that it is."""


async def count_until(stopping: asyncio.Event, counting: Counting) -> None:
    """All of it, unless it was done before; then wait for `stopping`."""
    while not stopping.is_set():
        try:
            if not await counting.is_done():
                log.info(
                    "verdicts of an earlier version counted", engagements=await count_all(counting, stopping)
                )
            break
        except DatabaseAway as error:
            log.warning("counting verdicts waits for the database", error=type(error).__name__)
            await any_within(_AGAIN_S, stopping)
    await stopping.wait()


async def count_all(counting: Counting, stopping: asyncio.Event | None = None) -> int:
    """From the beginning to the end, or until `stopping`; how many were not counted. Raises DatabaseAway."""
    at, counted = await counting.step(None)
    while at is not None and not (stopping and stopping.is_set()):
        await asyncio.sleep(_PAUSE_S)
        at, more = await counting.step(at)
        counted += more
    if at is None:
        await counting.done()
    return counted
