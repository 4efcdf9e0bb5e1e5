"""Dead letters: what can't be processed is set aside with its reason, never dropped.

More than `limit` of the last `window` messages: the consumer stops instead of draining the topic,
because then the consumer is what is broken. It stands still until its process is started again, with a
mended version: a process that ended would be restarted, and set `limit` more aside each time.
"""

import asyncio
from collections import deque

import structlog
from aiokafka.structs import ConsumerRecord

from shared.bus.producer import EventPublisher
from shared.events.catalogue import topic_named
from shared.health.progress import Progress
from shared.telemetry.names import CONSUMER_STOPPED, DEAD_LETTERS

log = structlog.get_logger(__name__)

REASON = "kaifu-reason"
ORIGIN = "kaifu-origin"  # topic/partition/offset
CONSUMER = "kaifu-consumer"
REPLAYED = "kaifu-replayed"
_STANDS_S = 1.0


class InvalidMessage(ValueError):
    """This message can never be processed; `reason` is a short slug, safe to log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeadLetterLimitReached(RuntimeError):
    """Too large a share of the topic can't be processed; the consumer should stop and be looked at."""


class DeadLetters:
    """Sets messages aside, within a limit."""

    def __init__(
        self, publisher: EventPublisher, consumer: str, *, limit: int = 50, window: int = 1000
    ) -> None:
        self._publisher = publisher
        self._consumer = consumer
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=window)

    def fine(self, count: int = 1) -> None:
        """Messages were processed: they count against the share."""
        self._recent.extend([False] * min(count, self._recent.maxlen or count))

    async def put(self, record: "ConsumerRecord[bytes, bytes]", reason: str) -> None:
        """Set one aside. Raises DeadLetterLimitReached, PublishFailed (then it is not set aside).

        One that comes back from a replay does not count: it says nothing of what the topic is like now.
        """
        is_replayed = any(name == REPLAYED for name, _ in record.headers)
        if not is_replayed and sum(self._recent) >= self._limit:
            raise DeadLetterLimitReached(
                f"{self._limit} of the last {len(self._recent)} messages are unreadable"
            )
        headers = [(name, value) for name, value in record.headers if not name.startswith("kaifu-")]
        headers += [
            (REASON, reason.encode()),
            (ORIGIN, f"{record.topic}/{record.partition}/{record.offset}".encode()),
            (CONSUMER, self._consumer.encode()),
        ]
        await self._publisher.publish_raw(
            topic_named(record.topic).dead_letters, record.key, record.value, headers
        )
        if not is_replayed:
            self._recent.append(True)
        DEAD_LETTERS.labels(record.topic, reason.split(":")[0]).inc()


async def stand_still(consumer: str, loop: str, progress: Progress, stopping: asyncio.Event) -> None:
    """Consume no more until the process ends; what else it does goes on. Told by a metric and the log."""
    log.error("the consumer stops: too many dead letters; mend it and start it again", consumer=consumer)
    CONSUMER_STOPPED.labels(consumer).set(1)
    while not stopping.is_set():
        progress.moved(loop)  # standing still on purpose is not a stall
        try:
            await asyncio.wait_for(stopping.wait(), _STANDS_S)
        except TimeoutError:
            continue
