"""The tracker's CPU per hit with more partitions, and with more messages that were sent and not opened yet.

Those lie in its folder. bench/live.py has what it holds in memory.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bench.load import cpu_seconds
from bench.results import Figure
from bench.steps import Step, grown
from bench.tracker import TRACKER_GROUP, done, hits_of, loading, publish, sent_message
from deploy.local.stack import Stack
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS, SENDS
from shared.events.sends import MessageSent
from shared.settings import KafkaSettings

SERVICES = ("tracker",)
PARTITIONS = (4, 40, 400)
MESSAGES = (1_000, 10_000, 100_000)
ROUNDS = 3
HITS_PER_ROUND = 20_000
FRESH = 4_000  # messages that a round's hits are of: no round meets a message that has a past
_PUBLISHED_AT_ONCE = 10_000

Fresh = Callable[..., AbstractAsyncContextManager[Stack]]


async def partitions(fresh: Fresh) -> Figure:
    """`growth_tracker_partitions`."""
    steps = []
    for count in PARTITIONS:
        variables = {"KAIFU_KAFKA_PARTITIONS": str(count)}
        async with (
            fresh(SERVICES, seeded=False, variables=variables) as stack,
            _tracker(stack) as tracker,
        ):
            steps.append(await tracker.at(count))
    note = f"of each topic; CPU µs per hit, {ROUNDS} rounds of {HITS_PER_ROUND:,} hits of {FRESH:,} messages"
    return grown("growth_tracker_partitions", "µs", steps, "partitions", note)


async def messages(fresh: Fresh) -> Figure:
    """`growth_tracker_messages`."""
    steps: list[Step] = []
    async with fresh(SERVICES, seeded=False) as stack, _tracker(stack) as tracker:
        for count in MESSAGES:
            await tracker.send(count - (steps[-1].size if steps else 0))
            steps.append(await tracker.at(count))
    note = (
        f"CPU µs per hit, {ROUNDS} rounds of {HITS_PER_ROUND:,} hits of {FRESH:,} messages that come on top"
    )
    return grown("growth_tracker_messages", "µs", steps, "messages sent and not opened yet", note)


class _Tracker:
    """The tracker of a stack under load."""

    def __init__(self, stack: Stack, settings: KafkaSettings, publisher: EventPublisher) -> None:
        self._pid = stack.pids["tracker"]
        self._settings = settings
        self._publisher = publisher

    async def at(self, size: int) -> Step:
        """CPU µs per hit in some rounds; one more before them warms."""
        costs = [await self._round() for _ in range(ROUNDS + 1)][1:]
        step = Step(size, tuple(costs))
        print(f"  tracker at {size:,}: {step.cost:.1f} µs per hit")
        return step

    async def send(self, count: int) -> list[MessageSent]:
        """So many messages more that the tracker knows."""
        sent = [sent_message() for _ in range(count)]
        for begin in range(0, count, _PUBLISHED_AT_ONCE):
            await publish(self._publisher, self._settings, sent[begin : begin + _PUBLISHED_AT_ONCE])
        await done(self._settings, TRACKER_GROUP, SENDS)
        return sent

    async def _round(self) -> float:
        hits = hits_of(await self.send(FRESH), HITS_PER_ROUND)
        before = cpu_seconds([self._pid])
        await publish(self._publisher, self._settings, hits)
        await done(self._settings, TRACKER_GROUP, HITS)
        return (cpu_seconds([self._pid]) - before) / len(hits) * 1e6


@asynccontextmanager
async def _tracker(stack: Stack) -> AsyncIterator[_Tracker]:
    async with loading(stack) as (settings, publisher):
        yield _Tracker(stack, settings, publisher)
