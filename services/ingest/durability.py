"""Durable before served: every record is acknowledged by the broker, or on disk, before its answer goes.

Records that arrive while others are on their way go together in the next group (natural group
commit). A group that is not acknowledged in time goes to the spool, and so does all that follows
(the circuit is open) until the drainer gets something through: a stalled broker must neither delay
every reader nor pile up memory. What ends in both places has one event id: one effect.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from services.ingest.model import Durability, Record, Segment
from shared.health.progress import Progress
from shared.telemetry.names import HITS, HITS_LOST, SPOOL_DRAINED

log = structlog.get_logger(__name__)

Done = Callable[[Durability], None]
_LOOP = "spool drainer"
_LOOK_EVERY_S = 1.0
_TRY_AGAIN_AFTER_S = 0.5
_SAY_AGAIN_AFTER_S = 5.0


class BrokerAway(RuntimeError):
    """The broker did not acknowledge; the records may or may not be there."""


class Broker(Protocol):
    """What takes records for good."""

    @property
    def connected(self) -> bool:
        """Whether it is worth trying."""

    async def produce_group(self, records: Sequence[Record]) -> None:
        """Return once all are acknowledged, in order per key; one try. Raises BrokerAway."""

    async def produce(self, records: Sequence[Record]) -> None:
        """The same, patiently and for any number of them. Raises BrokerAway."""


class SpoolFull(RuntimeError):
    """The disk did not take the records."""


class Spool(Protocol):
    """Records on disk."""

    @property
    def writable(self) -> bool:
        """False from a failed write, or with little room left, until there is room again."""

    async def append(self, records: Sequence[Record]) -> None:
        """Return once all are on the disk, fsynced. Raises SpoolFull."""

    async def oldest(self) -> Segment | None:
        """The oldest part, closed for it if need be; None when there is nothing."""

    async def remove(self, segment: Segment) -> None:
        """Forget a part that the broker has."""

    async def probe(self) -> None:
        """Find out whether the disk takes writes again."""


class Recorder:
    """Makes records durable. `within_s`: how long the broker may take for a group."""

    def __init__(self, broker: Broker, spool: Spool, progress: Progress, *, within_s: float) -> None:
        self._broker = broker
        self._spool = spool
        self._progress = progress
        self._within_s = within_s
        self._waiting: list[tuple[Record, Done]] = []
        self._commits: asyncio.Task[None] | None = None
        self._away = False
        self._spooled = asyncio.Event()
        self._said_at = float("-inf")
        progress.expect(_LOOP)

    @property
    def writable(self) -> bool:
        """Whether the spool takes what the broker doesn't."""
        return self._spool.writable

    def submit(self, record: Record, done: Done) -> None:
        """Call `done` once the record is safe, or lost. Never blocks; from the event loop only."""
        self._waiting.append((record, done))
        if self._commits is None:
            self._commits = asyncio.get_running_loop().create_task(self._commit())

    async def record(self, records: Sequence[Record]) -> Durability:
        """Make records durable together; answers the worst that happened to one of them."""
        outcomes: list[Durability] = []
        all_done = asyncio.get_running_loop().create_future()

        def done(outcome: Durability) -> None:
            outcomes.append(outcome)
            if len(outcomes) == len(records) and not all_done.done():
                all_done.set_result(None)

        for record in records:
            self.submit(record, done)
        if records:
            await all_done
        return Durability.LOST if Durability.LOST in outcomes else Durability.BROKER

    async def _commit(self) -> None:
        """Commit group after group until nothing waits."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                _finish(group, await self._stored([record for record, _ in group]))
        finally:
            self._commits = None

    async def _stored(self, records: list[Record]) -> Durability:
        if not self._away and self._broker.connected:
            try:
                async with asyncio.timeout(self._within_s):
                    await self._broker.produce_group(records)
            except (BrokerAway, TimeoutError) as error:
                self._away = True
                log.warning("the broker does not acknowledge; hits go to the spool", error=repr(error))
            except Exception:  # whatever it is: readers wait for their answers
                self._away = True
                log.exception("a group could not be produced; hits go to the spool")
            else:
                return Durability.BROKER
        return await self._to_spool(records)

    async def _to_spool(self, records: list[Record]) -> Durability:
        try:
            await self._spool.append(records)
        except Exception as error:  # noqa: BLE001 - whatever it is: readers wait for their answers
            self._lament(records, error)
            return Durability.LOST
        self._spooled.set()
        return Durability.SPOOL

    def _lament(self, records: list[Record], error: Exception) -> None:
        for door, count in Counter(record.door for record in records).items():
            HITS_LOST.labels(door.value).inc(count)
        now = time.monotonic()
        if now - self._said_at >= _SAY_AGAIN_AFTER_S:
            self._said_at = now
            log.error("hits are being lost: neither the broker nor the disk takes them", error=repr(error))

    async def run(self, stopping: asyncio.Event) -> None:
        """Drain the spool whenever the broker is there, until `stopping`."""
        self._progress.ready(_LOOP)
        while not stopping.is_set():
            drained = await self._drain()
            self._progress.moved(_LOOP)
            await _first(stopping, self._spooled, _LOOK_EVERY_S if drained else _TRY_AGAIN_AFTER_S)

    async def finish(self, within_s: float) -> None:
        """At the end: let groups finish, drain what can be drained in time; the rest stays on disk."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                if self._commits is not None:
                    await asyncio.wait({self._commits})
                await self._drain()

    async def _drain(self) -> bool:
        """Whether the spool is empty now and the broker takes records."""
        if not self._spool.writable:
            await self._spool.probe()
        if not self._broker.connected:
            return False
        self._spooled.clear()
        try:
            while (segment := await self._spool.oldest()) is not None:
                await self._broker.produce(segment.records)
                SPOOL_DRAINED.inc(len(segment.records))
                await self._spool.remove(segment)
                self._progress.moved(_LOOP)
                self._closed()
        except BrokerAway as error:
            self._away = True
            log.warning("the broker does not take the spool yet", error=str(error))
            return False
        self._closed()
        return True

    def _closed(self) -> None:
        if self._away:
            self._away = False
            log.info("the broker acknowledges again")


def _finish(group: list[tuple[Record, Done]], outcome: Durability) -> None:
    doors = Counter([record.door for record, _ in group])
    for _, done in group:
        try:
            done(outcome)
        except Exception:
            log.exception("an answer failed")
    for door, count in doors.items():
        HITS.labels(door.value, outcome.value).inc(count)


async def _first(stopping: asyncio.Event, wish: asyncio.Event, seconds: float) -> None:
    """Wait for either event, at most so long."""
    tasks = {asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(wish.wait())}
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
