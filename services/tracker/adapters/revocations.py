"""Reads all of email.revocations into memory, outside of any group, and follows it."""

import asyncio

import structlog
from aiokafka import TopicPartition

from services.tracker.revocations import Revocations
from shared.bus.consumer import consumer_client
from shared.events.catalogue import REVOCATIONS
from shared.events.codec import UndecodableEvent, decode
from shared.events.revocations import RevocationEvent
from shared.health.progress import Progress
from shared.settings import KafkaSettings

log = structlog.get_logger(__name__)
REVOCATIONS_LOOP = "revocations"
_POLL_MS = 1000
_FIRST_POLL_MS = 50


class RevocationReader:
    """`caught_up` is set once everything that was there at the start is known."""

    def __init__(self, settings: KafkaSettings, revocations: Revocations, progress: Progress) -> None:
        # Revocations are rare: a long poll costs nothing, and the tracker is only the second wall.
        self._client = consumer_client(settings, None, fetch_max_wait_ms=max(100, settings.fetch_max_wait_ms))
        self._partitions = [TopicPartition(REVOCATIONS.name, n) for n in range(settings.partitions)]
        self._revocations = revocations
        self._progress = progress
        self._start_over = False
        self.caught_up = asyncio.Event()

    def start_over(self) -> None:
        """Another cluster: read its topic from the beginning."""
        self._start_over = True
        self.caught_up.clear()

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the topic until `stopping`."""
        await self._client.start()
        try:
            self._client.assign(self._partitions)
            await self._client.seek_to_beginning()
            while not stopping.is_set():
                if self._start_over:
                    self._start_over = False
                    self._revocations.clear()
                    await self._client.seek_to_beginning()
                batches = await self._client.getmany(
                    timeout_ms=_POLL_MS if self.caught_up.is_set() else _FIRST_POLL_MS
                )
                for records in batches.values():
                    for record in records:
                        self._apply(record.value)
                self._progress.moved(REVOCATIONS_LOOP)
                if not self.caught_up.is_set() and await self._has_all():
                    self.caught_up.set()
                    self._progress.ready(REVOCATIONS_LOOP)
        finally:
            await self._client.stop()

    def _apply(self, value: bytes | None) -> None:
        try:
            event = decode(REVOCATIONS.name, value)
        except UndecodableEvent as error:  # ingest, which serves, sets it aside
            log.warning("a revocation is unreadable", reason=error.reason)
            return
        if isinstance(event, RevocationEvent):
            self._revocations.apply(event)

    async def _has_all(self) -> bool:
        for partition in self._partitions:
            high = self._client.highwater(partition)
            if high is None or await self._client.position(partition) < high:
                return False
        return True
