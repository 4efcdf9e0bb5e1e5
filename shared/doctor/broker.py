"""The broker: reachable, with the topics of the catalogue as the catalogue wants them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.bus.topics import wanted_topics
from shared.doctor.findings import Finding, doubt, fine, wrong
from shared.events.catalogue import TOPICS
from shared.settings import KafkaSettings

_WITHIN_S = 10.0
_AUTO = "auto.create.topics.enable"
Described = Mapping[str, Any]


async def broker_findings() -> AsyncIterator[Finding]:
    """Broker, then topics; only the first if it does not answer."""
    settings = KafkaSettings()
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        async with asyncio.timeout(_WITHIN_S):
            await admin.start()
            brokers = (await admin.describe_cluster())["brokers"]
    except (KafkaError, TimeoutError, OSError) as error:
        await admin.close()
        said = f"does not answer ({type(error).__name__})"
        cure = "start it; check KAIFU_KAFKA_BOOTSTRAP and its neighbours, the password, network policy"
        yield wrong("broker", said, cure)
        return
    yield fine("broker", f"answers; {len(brokers)} in the cluster")
    try:
        async with asyncio.timeout(_WITHIN_S):
            for finding in await _topics(admin, settings, len(brokers)):
                yield finding
            yield await _auto_create(admin, brokers[0])
    except (KafkaError, TimeoutError, OSError) as error:
        yield wrong("topics", f"can't be looked at ({type(error).__name__})", "check the user's access list")
    finally:
        await admin.close()


async def _topics(admin: AIOKafkaAdminClient, settings: KafkaSettings, brokers: int) -> list[Finding]:
    seen = _seen_by(settings.sasl_username)
    wanted = {topic.name: topic for topic in wanted_topics(settings) if topic.name in seen}
    there = set(await admin.list_topics())  # first, since a broker may make what one asks about
    found = [
        wrong(f"topic {name}", "is missing", "run `kaifu topics create`")
        for name in wanted
        if name not in there
    ]
    known = [name for name in wanted if name in there]
    if not known:
        return found
    configs = await _configs(admin, known)
    for described in await admin.describe_topics(known):
        name = described["topic"]
        found += _differences(wanted[name], described["partitions"], configs.get(name))
    if settings.replication > brokers:
        said = f"KAIFU_KAFKA_REPLICATION is {settings.replication}, the cluster has {brokers}"
        found.append(wrong("replication", said, "lower the setting or add brokers"))
    return found or [fine("topics", f"all {len(known)} are there, as the catalogue says")]


def _seen_by(user: str) -> set[str]:
    """The topics that the user may see: a service's user its own, any other all."""
    service = user.rpartition("-")[2]
    own = {topic.name for topic in TOPICS if service in topic.producers + topic.consumers}
    return own or {name for topic in TOPICS for name in (topic.name, topic.dead_letters)}


def _differences(
    wanted: NewTopic, partitions: list[Described], config: Mapping[str, str] | None
) -> Iterator[Finding]:
    what = f"topic {wanted.name}"
    if len(partitions) != wanted.num_partitions:
        said = f"has {len(partitions)} partitions, the settings say {wanted.num_partitions}"
        yield wrong(what, said, "set KAIFU_KAFKA_PARTITIONS to what exists; a topic's number never changes")
    copies = min(len(partition["replicas"]) for partition in partitions)
    if copies < wanted.replication_factor:
        said = f"has {copies} copies, KAIFU_KAFKA_REPLICATION is {wanted.replication_factor}"
        yield wrong(what, said, "reassign its partitions to more brokers")
    behind = [one["partition"] for one in partitions if len(one["isr"]) < len(one["replicas"])]
    if behind:
        yield doubt(
            what, f"partitions {behind} have a copy that is behind", "see which broker is down or slow"
        )
    for name, value in wanted.topic_configs.items():
        if config is not None and config.get(name) != value:  # None: this user may not ask
            said = f"{name} is {config.get(name, 'not set')}, the catalogue says {value}"
            yield wrong(what, said, f"kafka-configs --alter --add-config {name}={value}")


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers = await admin.describe_configs(asked)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == 0
    }


async def _auto_create(admin: AIOKafkaAdminClient, broker: Any) -> Finding:
    answers = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.BROKER, str(broker["node_id"]))]
    )
    entries = {entry[0]: entry[1] for answer in answers for one in answer.resources for entry in one[4]}
    if entries.get(_AUTO) == "true":
        cure = f"set {_AUTO}=false on the brokers"
        return doubt("auto-create", "the broker makes topics that somebody only asks for", cure)
    return fine("auto-create", "off" if _AUTO in entries else "this broker does not say")
