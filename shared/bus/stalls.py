"""Whether a consumer stands still though events wait: known stalls of the client libraries are silent."""

import asyncio
import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus.connection import cluster_epoch
from shared.settings import KafkaSettings

LOOK_EVERY_S = 5.0
_ANSWER_WITHIN_S = 5.0


class StallLook:
    """Asks the broker, every few seconds, what the fetcher should have brought.

    `ends` and `positions`: of the held partitions, by the last look. The embedded broker's ends are too
    low, never too high, so what they show is there.
    """

    def __init__(
        self, settings: KafkaSettings, client: AIOKafkaConsumer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ends: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self._settings = settings
        self._client = client
        self._clock = clock
        self._looks_at = clock() + LOOK_EVERY_S
        self._stalled = False

    async def stalled(self) -> bool:
        """By the last look, which is made anew when it is old."""
        if self._clock() >= self._looks_at:
            self._stalled = await self._look()
            self._looks_at = self._clock() + LOOK_EVERY_S
        return self._stalled

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                ends = await self._client.end_offsets(self._client.assignment())
                positions = {partition: await self._client.position(partition) for partition in ends}
        except (KafkaError, TimeoutError):
            return await self._broker_answers()
        self.ends, self.positions = ends, positions
        return any(end > positions[partition] for partition, end in ends.items())

    async def _broker_answers(self) -> bool:
        """A broker that is away is waited for. One that answers a new connection while our client gets
        no word from it is a stall of the client."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                await cluster_epoch(self._settings)
        except (KafkaError, TimeoutError, OSError):
            return False
        return True
