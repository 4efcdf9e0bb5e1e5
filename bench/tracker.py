"""The tracker under load, beside two that do less of it: a bare aiokafka loop that reads the same hits and
sends as many events, and an empty Faust agent, which only takes them.

CPU µs of each process per hit, in turns: the others are stopped while one works.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from bench.load import cpu_seconds, reference
from bench.reference import bare_loop
from bench.results import Figure, figure
from deploy.local.stack import Stack
from shared.bus.connection import client_options
from shared.bus.consumer import consumer_client
from shared.bus.partitions import partition_of
from shared.bus.producer import EventPublisher, RawRecord
from shared.events.base import Event
from shared.events.catalogue import ENGAGEMENTS, HITS, NOTIFICATIONS, Topic, topic_of
from shared.events.codec import encode
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import new_id
from shared.events.sends import MessageSent, Source
from shared.settings import KafkaSettings

SERVICES = ("tracker",)
ROUNDS = 5
MESSAGES = 5000
HITS_PER_ROUND = 20_000
TRACKER_GROUP = "tracker"
WITHIN_S = 120.0
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Costs(NamedTuple):
    """CPU µs per hit in one round."""

    tracker: float
    loop: float
    agent: float


async def measure(stack: Stack) -> list[Figure]:
    """`tracker_vs_loop`, `tracker_vs_agent`."""
    async with loading(stack) as (settings, publisher):
        sent = [sent_message() for _ in range(MESSAGES)]
        await publish(publisher, settings, sent)
        await publish(publisher, settings, hits_of(sent, MESSAGES))  # warm, and how many events come of a hit
        await done(settings, TRACKER_GROUP, HITS)
        before = await ends(settings, ENGAGEMENTS, NOTIFICATIONS)
        await _round(settings, publisher, sent, TRACKER_GROUP, stack.pids["tracker"])
        out = round(100 * (await ends(settings, ENGAGEMENTS, NOTIFICATIONS) - before) / HITS_PER_ROUND)
        costs: list[Costs] = []
        for number in range(ROUNDS):
            own = await _round(settings, publisher, sent, TRACKER_GROUP, stack.pids["tracker"])
            async with _loop(settings, out) as pid:
                loop = await _round(settings, publisher, sent, bare_loop.GROUP, pid)
            group = f"bench-bare-agent-{number}"
            async with reference("bare_agent", settings.bootstrap, settings.partitions, group) as process:
                agent = await _round(settings, publisher, sent, group, process.pid)
            await done(settings, TRACKER_GROUP, HITS)
            costs.append(Costs(own, loop, agent))
            print(f"  tracker round {number + 1}: {own:.1f} µs, loop {loop:.1f} µs, agent {agent:.1f} µs")
    return figures(costs, out / 100)


def figures(costs: Sequence[Costs], out: float) -> list[Figure]:
    """Of rounds in which so many events went out per hit."""
    own = [one.tracker for one in costs]
    note = (
        f"CPU µs per hit, {len(costs)} rounds of {HITS_PER_ROUND:,} hits of {MESSAGES:,} messages; "
        "no database takes part"
    )
    loops, agents = [one.loop for one in costs], [one.agent for one in costs]
    beside_loop = f"{note}; {out:.2f} events out per hit, of the reference as many"
    beside_agent = f"{note}; reference: an empty Faust agent, which decodes the JSON and sends nothing"
    return [
        figure("tracker_vs_loop", "µs", own, loops, _times(own, loops), "≥ 0.8", beside_loop),
        figure("tracker_vs_agent", "µs", own, agents, _times(own, agents), "", beside_agent),
    ]


def _times(own: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [reference / mine for mine, reference in zip(own, theirs, strict=True)]


async def _round(
    settings: KafkaSettings, publisher: EventPublisher, sent: Sequence[MessageSent], group: str, pid: int
) -> float:
    """CPU µs of the process per hit, from publishing them until all are committed."""
    hits = hits_of(sent, HITS_PER_ROUND)
    before = cpu_seconds([pid])
    await publish(publisher, settings, hits)
    await done(settings, group, HITS)
    return (cpu_seconds([pid]) - before) / len(hits) * 1e6


@asynccontextmanager
async def _loop(settings: KafkaSettings, out: int) -> AsyncIterator[int]:
    """The bare loop at work: its process id."""
    await make_topic(settings, bare_loop.OUT)
    async with reference("bare_loop", settings.bootstrap, settings.fetch_max_wait_ms, out) as process:
        yield process.pid


async def make_topic(settings: KafkaSettings, name: str) -> None:
    """For what a reference sends, unless it is there."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    await admin.create_topics([NewTopic(name, settings.partitions, 1)])
    await admin.close()


@asynccontextmanager
async def loading(stack: Stack) -> AsyncIterator[tuple[KafkaSettings, EventPublisher]]:
    """The broker as the tracker sees it, and who publishes to it in big batches."""
    settings = kafka_settings(stack, "tracker")
    publisher = EventPublisher(settings, timeout_s=60.0, max_batch_bytes=262_144)
    await publisher.start()
    try:
        yield settings, publisher
    finally:
        await publisher.stop()


def kafka_settings(stack: Stack, service: str) -> KafkaSettings:
    """The broker as that service sees it."""
    prefix = "KAIFU_KAFKA_"
    variables = {
        name.removeprefix(prefix).lower(): value
        for name, value in stack.environment_of(service).items()
        if name.startswith(prefix)
    }
    return KafkaSettings.model_validate(variables)


async def publish(publisher: EventPublisher, settings: KafkaSettings, events: Sequence[Event]) -> None:
    """All of them, in big batches."""
    batches: dict[tuple[str, int], list[RawRecord]] = {}
    for event in events:
        key = event.key().encode()
        place = (topic_of(event).name, partition_of(key, settings.partitions))
        batches.setdefault(place, []).append((key, encode(event), ()))
    await publisher.publish_batches(batches)


async def done(settings: KafkaSettings, group: str, topic: Topic, within_s: float = WITHIN_S) -> None:
    """Wait until the group has committed all of the topic. TimeoutError if it has not within that time."""
    consumer = consumer_client(settings, None)
    admin = AIOKafkaAdminClient(**client_options(settings))
    await consumer.start()
    await admin.start()
    partitions = [TopicPartition(topic.name, number) for number in range(settings.partitions)]
    try:
        async with asyncio.timeout(within_s):
            while True:
                end = await consumer.end_offsets(partitions)
                kept = await admin.list_consumer_group_offsets(group)
                if all((kept[one].offset if one in kept else 0) >= end[one] for one in partitions):
                    return
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
        await consumer.stop()


async def ends(settings: KafkaSettings, *topics: Topic) -> int:
    """Records of these topics so far, from the first one on."""
    consumer = consumer_client(settings, None)
    await consumer.start()
    try:
        partitions = [TopicPartition(t.name, number) for t in topics for number in range(settings.partitions)]
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()


def sent_message() -> MessageSent:
    """A fresh one, sent half an hour ago."""
    now = datetime.now(UTC) - timedelta(minutes=30)
    return MessageSent(
        event_id=new_id(), occurred_at=now, account_id=new_id(), message_id=new_id(), user_id=new_id(),
        source=Source.GMAIL, tracked=True, logged=False, recipient_count=1, link_count=2, policy_version=1,
        prepared_at=now - timedelta(seconds=1),
    )  # fmt: skip


def hits_of(sent: Sequence[MessageSent], count: int | None = None) -> list[HitRecorded]:
    """So many, of messages drawn from these; None: one of each."""
    return [
        HitRecorded(
            event_id=new_id(), occurred_at=datetime.now(UTC), account_id=one.account_id,
            message_id=one.message_id, endpoint=Endpoint.PIXEL, method="GET", slot=None, link_index=None,
            client_address="203.0.113.77", user_agent=_AGENT,
        )
        for one in (sent if count is None else random.choices(sent, k=count))
    ]  # fmt: skip
