"""The outbox's publisher: in the order of writing, by one process at a time.

A row is forgotten after the broker has its event. A crash in between publishes it again under the
same event id, which every reader knows already.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway
from services.crm.store.outbox import Waiting
from shared.bus.producer import EventPublisher, PublishFailed
from shared.health.progress import Progress
from shared.telemetry.names import OUTBOX_WAITING

log = structlog.get_logger(__name__)

LEASE_S = 5.0
PUBLISH_TIMEOUT_S = 2.0  # well within a lease: nobody publishes on a lease that is over
_LOOP = "outbox"
_BATCH = 100
_LOOK_AGAIN_S = 0.5  # rows of other processes are not announced here
_PAUSE_S = 1.0


class Queue(Protocol):
    """The rows that wait, and the lease."""

    async def waiting(self, limit: int) -> list[Waiting]:
        """The oldest rows."""

    async def count(self) -> int:
        """How many rows wait."""

    async def published(self, event_ids: Sequence[UUID]) -> None:
        """Forget them."""

    async def lease(self, holder: str, seconds: float) -> bool:
        """Whether this process may publish for so long."""

    async def release(self, holder: str) -> None:
        """Let another process publish."""


class OutboxPublisher:
    """Publishes what the transactions of this and other processes wrote. `written`: set by ours."""

    def __init__(
        self, queue: Queue, publisher: EventPublisher, written: asyncio.Event, progress: Progress
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._written = written
        self._progress = progress
        self._holder = f"{os.getpid()}-{uuid4()}"
        self._held_until = float("-inf")
        progress.expect(_LOOP)

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until `stopping`, then what is left, and give the lease away."""
        while not stopping.is_set():
            try:
                await self.publish_all()
            except (DatabaseAway, PublishFailed) as error:
                log.warning("the outbox waits for what is away", error=str(error))
                await any_within(_PAUSE_S, stopping)
            else:
                self._progress.ready(_LOOP)
                await any_within(_LOOK_AGAIN_S, stopping, self._written)
            self._progress.moved(_LOOP)  # waiting on purpose is not a stall
        await self._end()

    async def publish_all(self) -> None:
        """All that waits now, if this process may. Raises DatabaseAway, PublishFailed."""
        self._written.clear()
        while await self._may_publish():
            rows = await self._queue.waiting(_BATCH)
            OUTBOX_WAITING.set(len(rows) if len(rows) < _BATCH else await self._queue.count())
            if not rows:
                return
            await self._publisher.publish_all([(row.event, row.headers) for row in rows])
            await self._queue.published([row.event.event_id for row in rows])
            self._progress.moved(_LOOP)
        OUTBOX_WAITING.set(0)  # the process that holds the lease tells what waits

    async def _may_publish(self) -> bool:
        """Whether the lease is ours for a whole publish, renewed when half of it is over."""
        asked_at = time.monotonic()
        if self._held_until - asked_at < LEASE_S / 2:
            held = await self._queue.lease(self._holder, LEASE_S)
            self._held_until = asked_at + LEASE_S if held else float("-inf")
        return self._held_until - time.monotonic() > PUBLISH_TIMEOUT_S

    async def _end(self) -> None:
        try:
            await self.publish_all()
            await self._queue.release(self._holder)
        except (DatabaseAway, PublishFailed) as error:
            log.info("what is left in the outbox waits for the next start", error=str(error))
