"""Making the topics of the catalogue, and checking those that exist."""

import asyncio
from collections.abc import Iterator

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from shared.bus.connection import client_options
from shared.events.catalogue import DEAD_LETTER_RETENTION, TOPICS, Topic
from shared.settings import KafkaSettings

_EXISTS = 36  # TOPIC_ALREADY_EXISTS
_KNOWN_WITHIN_S = 30.0
_LOOK_AGAIN_AFTER_S = 0.1


class TopicMismatch(RuntimeError):
    """A topic exists with another number of partitions: keys would land elsewhere than before."""


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Make what is missing; returns the names made. Raises TopicMismatch, KafkaError, and TimeoutError
    for topics that the broker does not come to know."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        answer = await admin.create_topics(list(wanted_topics(settings)))
        made = []
        for name, code, *_ in answer.topic_errors:
            if code == 0:
                made.append(name)
            elif code != _EXISTS:
                raise for_code(code)(name)
        await _check_partitions(admin, settings.partitions)
        return made
    finally:
        await admin.close()


async def topic_faults(settings: KafkaSettings) -> list[str]:
    """What is wrong with the topics that should be there, one sentence each. Raises KafkaError.

    For a broker whose topics somebody else makes; takes no right but to describe them.
    """
    wanted = {topic.name: topic.num_partitions for topic in wanted_topics(settings)}
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        described = await admin.describe_topics(list(wanted))
    finally:
        await admin.close()
    found = {one["topic"]: len(one["partitions"]) for one in described}
    return [
        f"{name} has {found[name]} partitions, not {partitions}" if found.get(name) else f"{name} is missing"
        for name, partitions in wanted.items()
        if found.get(name) != partitions
    ]


async def partitions_of(settings: KafkaSettings, topic: Topic) -> tuple[int, ...]:
    """The topic's partitions, none while it does not exist. Raises KafkaError.

    A client that subscribes to nothing is told of no topic (Apache Kafka) or of all (the embedded broker).
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic.name])
        return tuple(sorted(found["partition"] for found in described["partitions"]))
    finally:
        await admin.close()


def wanted_topics(settings: KafkaSettings) -> Iterator[NewTopic]:
    """The topics of the catalogue and their dead letters, as they are made."""
    dead = str(int(DEAD_LETTER_RETENTION.total_seconds() * 1000))
    for topic in TOPICS:
        yield NewTopic(
            topic.name, settings.partitions, settings.replication, topic_configs=topic.broker_config()
        )
        yield NewTopic(topic.dead_letters, 1, settings.replication, topic_configs={"retention.ms": dead})


async def _check_partitions(admin: AIOKafkaAdminClient, partitions: int) -> None:
    for name, found in (await _partitions_made(admin)).items():
        if found != partitions:
            raise TopicMismatch(
                f"{name} has {found} partitions, the settings say {partitions}: "
                "set KAIFU_KAFKA_PARTITIONS to what exists"
            )


async def _partitions_made(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """How many each topic has. A broker learns from its controller, a moment later, of what was made."""
    names = [topic.name for topic in TOPICS]
    async with asyncio.timeout(_KNOWN_WITHIN_S):
        while True:
            described = {one["topic"]: one for one in await admin.describe_topics(names)}
            if all(one["error_code"] == 0 for one in described.values()):
                return {name: len(one["partitions"]) for name, one in described.items()}
            await asyncio.sleep(_LOOK_AGAIN_AFTER_S)
