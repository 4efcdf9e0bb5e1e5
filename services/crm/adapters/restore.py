"""A new or emptied broker gets email.sends, email.revocations and notification-policies back from MongoDB.

The same event ids and the same bytes as at first: whoever has seen them sees nothing new. A broker
is known by its cluster id; one that is replaced while crm runs ends the process, and the next start
restores.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from shared.bus.connection import cluster_epoch
from shared.bus.producer import EventPublisher
from shared.events.base import Event
from shared.health.progress import Progress
from shared.settings import KafkaSettings

log = structlog.get_logger(__name__)

_LOOP = "restore"
_LOOK_EVERY_S = 5.0


class Source(Protocol):
    """What the database knows of the topics."""

    def latest_sends(self) -> AsyncIterator[list[Event]]:
        """The newest send event of every message."""

    def revocations(self) -> AsyncIterator[list[Event]]:
        """The last word on every subject."""

    def notification_policies(self) -> AsyncIterator[list[Event]]:
        """The last word of every user and on every mail."""

    async def known_epoch(self) -> str | None:
        """The cluster that was restored last."""

    async def remember_epoch(self, epoch: str) -> None:
        """This cluster has it all."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many events were published again."""

    sends: int
    revocations: int
    notification_policies: int


class BrokerReplaced(RuntimeError):
    """Another cluster answers than at the start."""


async def restore(source: Source, publisher: EventPublisher, progress: Progress | None = None) -> Restored:
    """Publish the latest states again; twice does no harm. Raises DatabaseAway, PublishFailed."""
    revocations = await _publish(source.revocations(), publisher, progress)  # first: they disarm
    policies = await _publish(source.notification_policies(), publisher, progress)
    sends = await _publish(source.latest_sends(), publisher, progress)
    return Restored(sends, revocations, policies)


async def _publish(
    batches: AsyncIterator[list[Event]], publisher: EventPublisher, progress: Progress | None
) -> int:
    count = 0
    async for batch in batches:
        await publisher.publish_all([(event, ()) for event in batch])
        count += len(batch)
        if progress is not None:
            progress.moved(_LOOP)
    return count


class EpochKeeper:
    """Restores at the start, then watches."""

    def __init__(
        self, settings: KafkaSettings, source: Source, publisher: EventPublisher, progress: Progress
    ) -> None:
        self._settings = settings
        self._source = source
        self._publisher = publisher
        self._progress = progress
        self._epoch = ""
        progress.expect(_LOOP)

    async def begin(self) -> None:
        """Restore if this is another broker than last time; then this part is ready.

        Raises KafkaError, DatabaseAway, PublishFailed: the process can't serve without them.
        """
        self._epoch = await cluster_epoch(self._settings)
        if await self._source.known_epoch() != self._epoch:
            restored = await restore(self._source, self._publisher, self._progress)
            await self._source.remember_epoch(self._epoch)
            log.info("topics restored", **asdict(restored))
        self._progress.ready(_LOOP)

    async def watch(
        self, stopping: asyncio.Event, epoch: Callable[[KafkaSettings], Awaitable[str]] = cluster_epoch
    ) -> None:
        """Until `stopping`. Raises BrokerReplaced."""
        while not await _stopped_within(stopping, _LOOK_EVERY_S):
            try:
                found = await epoch(self._settings)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("the broker does not answer", error=type(error).__name__)
            else:
                if found != self._epoch:
                    raise BrokerReplaced("the broker was replaced; the next start restores its topics")
            self._progress.moved(_LOOP)  # consumers and outbox say whether the broker is there


async def _stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True
