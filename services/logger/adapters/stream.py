"""The agent: one event of email.sends at a time, acknowledged only after its effects.

Faust acks an event when the agent's body ends, even by an exception or a cancellation, and commits
in the background. So acks are ours here (`noack`): an event that was neither handled nor set aside
is never acked, and comes again after a restart or rebalance.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP
from opentelemetry.trace import SpanKind

from services.logger.adapters.faust_app import GROUP, LoggerApp
from shared.bus.consumer import MAX_ATTEMPTS, RetryLater
from shared.bus.dead_letters import DeadLetterLimitReached, DeadLetters, InvalidMessage, stand_still
from shared.bus.lag import LagGauge
from shared.bus.producer import PublishFailed
from shared.events.base import Event
from shared.events.catalogue import SENDS
from shared.events.codec import UndecodableEvent, decode
from shared.health.advance import Advance
from shared.health.progress import Progress
from shared.telemetry.names import EVENTS_CONSUMED, HANDLER_RETRIES
from shared.telemetry.tracing import context_from_kafka, span

log = structlog.get_logger(__name__)

LOOP = "logger"
_PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0)
_ANSWER_WITHIN_S = 5.0
_END_WITHIN_S = 15.0

Handle = Callable[[Event], Awaitable[None]]
Epoch = Callable[[], Awaitable[str]]


class SendStream:
    """Runs the Faust application until the process stops."""

    def __init__(
        self,
        app: LoggerApp,
        handle: Handle,
        dead_letters: DeadLetters,
        progress: Progress,
        epoch: Epoch,
        look_interval_s: float,
    ) -> None:
        self._app = app
        self._handle = handle
        self._dead_letters = dead_letters
        self._progress = progress
        self._epoch = epoch
        self._look_interval_s = look_interval_s
        self._doubt = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ending = False
        self._at_rest = asyncio.Event()  # no event is in hand
        self._at_rest.set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._advance: Advance[TP] = Advance()
        self._lag = LagGauge()
        progress.expect(LOOP)
        topic = app.topic(
            SENDS.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        app.agent(topic, name="decide")(self._decide_all)
        app.on_partitions_assigned.connect(cast(Any, self._on_assigned))
        app.on_partitions_revoked.connect(cast(Any, self._on_revoked))

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping`; with too many dead letters, stand still until then.

        Raises StreamFailed, KafkaError.
        """
        try:
            await self._consume(stopping)
        except DeadLetterLimitReached:
            await stand_still(GROUP, LOOP, self._progress, stopping)

    async def _consume(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        first_epoch = await self._epoch()
        watch: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(stopping.wait()),
            asyncio.ensure_future(self._look_repeatedly()),
            asyncio.ensure_future(self._doubt_repeatedly(first_epoch)),
            self._failed,
        ]
        try:
            self._app.finalize()
            watch.append(asyncio.ensure_future(self._live()))  # a start may wait for a silent broker, too
            done, _ = await asyncio.wait(watch, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
            if not stopping.is_set():
                raise StreamFailed("the Faust application stopped by itself") from self._app.crash_reason
        finally:
            for waiting in watch:
                waiting.cancel()
            await self._end()

    async def _live(self) -> None:
        await self._app.start()
        await self._app.wait_until_stopped()

    async def _end(self) -> None:
        """In order, if the broker lets us: what was not acked comes again.

        Faust cancels an agent in the middle of its event, whose effects may be out already.
        """
        self._ending = True
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await self._at_rest.wait()
                await self._app.stop()
        except TimeoutError:
            log.warning("the broker does not answer; ending without it")

    async def _decide_all(self, stream: Any) -> None:
        events = stream.noack()
        async for event in events.events():
            self._at_rest.clear()
            try:
                if self._ending or not await self._settled(event.message):
                    return  # the process is ending; what comes next must not be acked before this one
                await events.ack(event)
            finally:
                self._at_rest.set()
            self._advance.done(event.message.tp, event.message.offset + 1)
            EVENTS_CONSUMED.labels(SENDS.name).inc()

    async def _settled(self, message: Any) -> bool:
        """Whether the event is handled or set aside; False when the process stops first."""
        for attempt in itertools.count():
            try:
                await self._attempt(message, attempt)
            except (RetryLater, PublishFailed) as error:
                HANDLER_RETRIES.labels(SENDS.name).inc()
                pause = _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]
                log.warning("waiting for what is away", error=str(error), pause_s=pause)
            except DeadLetterLimitReached as error:
                if not self._failed.done():
                    self._failed.set_exception(error)
                return False
            else:
                return True
            self._progress.moved(LOOP)  # waiting on purpose is not a stall
            if await self._stopped_within(pause):
                return False
        raise AssertionError("unreachable")

    async def _attempt(self, message: Any, attempt: int) -> None:
        """One try. Raises RetryLater, PublishFailed, DeadLetterLimitReached."""
        try:
            event = decode(SENDS.name, message.value)
        except UndecodableEvent as error:
            await self._dead_letters.put(message, f"undecodable: {error.reason}")
            return
        try:
            with span("decide", kind=SpanKind.CONSUMER, parent=context_from_kafka(message.headers or ())):
                await self._handle(event)
        except InvalidMessage as error:
            await self._dead_letters.put(message, error.reason)
        except (RetryLater, PublishFailed):
            raise
        except Exception as error:
            log.exception("a message failed", topic=SENDS.name, attempt=attempt + 1)
            if attempt + 1 < MAX_ATTEMPTS:
                raise RetryLater(type(error).__name__) from error
            await self._dead_letters.put(message, f"handler-failed: {type(error).__name__}")
        else:
            self._dead_letters.fine()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _on_assigned(self, _: Any, *details: Any, **__: Any) -> None:
        assigned: set[TP] = details[0]
        self._advance.hold(assigned)
        self._progress.ready(LOOP)  # a member without partitions stands by
        self._doubt.set()

    async def _on_revoked(self, _: Any, *details: Any, **__: Any) -> None:
        revoked: set[TP] = details[0]
        self._advance.release(revoked)

    async def _look_repeatedly(self) -> None:
        """Report progress only when nothing waits or the position has moved: known stalls are silent."""
        while True:
            await asyncio.sleep(self._look_interval_s)
            try:
                ends = await asyncio.wait_for(self._ends(), _ANSWER_WITHIN_S)
            except Exception as error:  # noqa: BLE001 - no answer is no progress; the watchdog counts
                log.info("the consumer does not answer", error=type(error).__name__)
                self._doubt.set()
                continue
            if self._advance.look(ends):
                self._progress.moved(LOOP)
            lags = self._advance.lag(ends)
            self._lag.show({TopicPartition(tp.topic, tp.partition): lag for tp, lag in lags.items()})
            if self._advance.beyond(ends):
                self._doubt.set()

    async def _doubt_repeatedly(self, first_epoch: str) -> None:
        """After trouble: is the broker away, or another one? Raises StreamFailed for another one.

        Faust keeps the offsets that it has read and drops what lies below; on a broker that started
        anew that would be every new event.
        """
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                epoch = await asyncio.wait_for(self._epoch(), _ANSWER_WITHIN_S)
            except (KafkaError, TimeoutError, OSError):
                self._progress.moved(LOOP)  # waiting for the broker is not a stall of ours
                continue
            if epoch != first_epoch:
                raise StreamFailed("the broker is another one now, its offsets mean nothing")

    async def _ends(self) -> dict[TP, int]:
        """The high watermark of each held partition: the greater of the fetch's and the broker's word.

        The embedded broker's ListOffsets may be too low, the fetch's watermark too old when the
        fetcher has stalled; neither is ever too high.
        """
        consumer = self._app.consumer
        held = self._advance.held()
        asked = await consumer.highwaters(*held) if held else {}
        ends = {}
        for tp in held:
            self._advance.begin(tp, await consumer.position(tp))
            ends[tp] = max(asked.get(tp) or 0, consumer.highwater(tp) or 0)
        return ends


class StreamFailed(RuntimeError):
    """The client library gave up; the supervisor starts the process again."""
