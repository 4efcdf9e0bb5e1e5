"""Takes webhooks to their endpoints: many at once, few to any one, so that none waits for another's."""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Protocol
from uuid import UUID

import structlog

from services.crm.adapters.waiting import any_within
from services.crm.model.failures import DatabaseAway
from services.crm.model.webhooks import Answer, DeliveryTrouble, Outgoing
from shared.health.progress import Progress

log = structlog.get_logger(__name__)
LOOP = "webhooks"
AT_ONCE = 64
TO_ONE = 4  # endpoints; to one where nothing has arrived lately: one
_LOOK_AGAIN_S = 1.0  # what other processes were asked for, and what is to be tried again


class Deliveries(Protocol):
    """What there is to send."""

    @property
    def asked(self) -> asyncio.Event:
        """Set when this process has something new to send."""

    async def take(self, but: Collection[UUID]) -> Outgoing | None:
        """One, to an endpoint that is not among `but`. Raises DatabaseAway, as all do."""

    async def settle(self, outgoing: Outgoing, answer: Answer) -> None:
        """What came of it."""


class Sender(Protocol):
    """Makes one attempt."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """What came of it. Never longer than some seconds."""


class Courier:
    """The attempts of this process that are under way."""

    def __init__(self, deliveries: Deliveries, sender: Sender) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._tasks: set[asyncio.Task[None]] = set()
        self._to: Counter[UUID] = Counter()
        self._slow: set[UUID] = set()
        self.freed = asyncio.Event()

    async def begin(self) -> bool:
        """Whether another attempt is under way now. Raises DatabaseAway."""
        self.freed.clear()
        if len(self._tasks) >= AT_ONCE:
            return False
        outgoing = await self._deliveries.take(self._busy())
        if outgoing is None:
            return False
        webhook_id = outgoing.delivery.webhook_id
        self._to[webhook_id] += 1
        if outgoing.failing:
            self._slow.add(webhook_id)
        task = asyncio.create_task(self._attempt(outgoing))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    async def end(self) -> None:
        """Until those that are under way have come to their end."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _busy(self) -> list[UUID]:
        return [id_ for id_, count in self._to.items() if count >= (1 if id_ in self._slow else TO_ONE)]

    async def _attempt(self, outgoing: Outgoing) -> None:
        webhook_id = outgoing.delivery.webhook_id
        try:
            answer = await self._sent(outgoing)
            if answer.trouble is None:
                self._slow.discard(webhook_id)
            else:
                self._slow.add(webhook_id)
                log.info("a webhook did not arrive", trouble=answer.trouble.value, status=answer.status_code)
            await self._deliveries.settle(outgoing, answer)
        except DatabaseAway as error:
            log.warning("what came of a webhook is not noted; it goes again", error=type(error).__name__)
        finally:
            self._to[webhook_id] -= 1
            if self._to[webhook_id] == 0:
                del self._to[webhook_id]
                self._slow.discard(webhook_id)

    async def _sent(self, outgoing: Outgoing) -> Answer:
        try:
            return await self._sender.send(outgoing)
        except Exception as error:  # noqa: BLE001 - one webhook stops nobody else's, nor this process
            log.error("a webhook could not be sent", error=type(error).__name__)
            return Answer(trouble=DeliveryTrouble.UNREACHABLE)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an attempt at a webhook broke", error=type(error).__name__)


async def carry_until(
    stopping: asyncio.Event, deliveries: Deliveries, sender: Sender, progress: Progress
) -> None:
    """Attempt after attempt until `stopping`; those under way come to their end."""
    progress.expect(LOOP)
    courier = Courier(deliveries, sender)
    while not stopping.is_set():
        deliveries.asked.clear()
        try:
            more = await courier.begin()
        except DatabaseAway as error:
            log.warning("webhooks wait for the database", error=type(error).__name__)
            more = False
        else:
            progress.ready(LOOP)
        progress.moved(LOOP)
        if not more:
            await any_within(_LOOK_AGAIN_S, stopping, deliveries.asked, courier.freed)
    await courier.end()
