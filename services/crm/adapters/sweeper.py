"""Cleaning up after uploads: content that was cut off, replaced, discarded or never claimed goes."""

import asyncio
from contextlib import suppress
from typing import Protocol

import structlog

from services.crm.model.failures import DatabaseAway

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 60.0


class Uploads(Protocol):
    """What leaves something behind."""

    async def sweep(self) -> int:
        """Delete what is over; how many files that were. Raises DatabaseAway."""


async def sweep_until(stopping: asyncio.Event, uploads: Uploads, every_s: float = LOOK_EVERY_S) -> None:
    """Now and then until `stopping`. Several processes may do it at once."""
    while not stopping.is_set():
        try:
            swept = await uploads.sweep()
        except DatabaseAway as error:
            log.warning("the sweeper waits for the database", error=type(error).__name__)
        else:
            if swept:
                log.info("files of attachments deleted", files=swept)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every_s)
