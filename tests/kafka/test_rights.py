"""The generated access lists on Apache Kafka: enough for everything, and for nothing else."""

import asyncio
import dataclasses
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from deploy.kubernetes.access import OPERATOR, READINGS, SERVICES, USERS, rights_of, user_name
from deploy.local import stack as local_stack
from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.bus.connection import client_options
from shared.bus.consumer import consumer_client
from shared.bus.topics import create_topics
from shared.events.catalogue import HITS, TOPICS
from shared.settings import KafkaSettings
from tests.integration.client import clean_environment
from tests.integration.own_broker import ServiceProcess
from tests.kafka.secured import ADMIN, SECURED, allow, credentials, generated_rights, password_of

pytestmark = pytest.mark.integration
WITHIN_S = 90.0
_ALL_TOPICS = [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]


def _settings(stack: Stack, user: str) -> KafkaSettings:
    known = SECURED.settings_of("tracker") | credentials(user)
    fields = {name.removeprefix("KAIFU_KAFKA_").lower(): value for name, value in known.items()}
    return KafkaSettings.model_validate({"bootstrap": stack.addresses["broker"], **fields})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The five services, each signed in as its own user, with the rights of the catalogue."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_stack, "chosen", lambda _: SECURED)
        patch.setattr("deploy.local.environment.chosen", lambda _: SECURED)
        for name, value in credentials(ADMIN).items():
            patch.setenv(name, value)
        base = clean_environment()
        stack = Stack(Home(tmp_path_factory.mktemp("stack")), Ports.free(), base=base, tell=print)
        make_topics = local_stack.broker_with_topics

        async def with_rights(settings: KafkaSettings) -> None:
            await make_topics(settings)
            await allow(settings, generated_rights())

        patch.setattr(local_stack, "broker_with_topics", with_rights)
        async with stack:
            yield stack


async def _run(stack: Stack, *command: str, **variables: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**clean_environment(), "KAIFU_HOME": str(stack.home.root), **variables},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def _kaifu(stack: Stack, *arguments: str) -> tuple[int, str]:
    """`kaifu …` as the operator."""
    command = str(Path(sys.executable).with_name("kaifu"))
    bootstrap = {"KAIFU_KAFKA_BOOTSTRAP": stack.addresses["broker"], "KAIFU_KAFKA_PARTITIONS": "4"}
    return await _run(stack, command, *arguments, **bootstrap, **credentials(user_name(OPERATOR)))


async def test_a_mail_goes_its_whole_way_with_each_service_its_own_user(stack: Stack) -> None:
    """From prepare to the push and the contact's timeline, twice; nobody had to start again."""
    before = dict(stack.pids)
    for _ in range(2):
        code, output = await _run(stack, "-m", "deploy.local.demo", "--json")
        assert code == 0, output
    assert stack.pids == before


async def test_dead_letters_are_written_by_services_and_read_by_the_operator(stack: Stack) -> None:
    """Both consumers of email.hits set aside what can't be read, and people see it and send it again."""
    producer = AIOKafkaProducer(**client_options(_settings(stack, user_name("ingest"))))
    await producer.start()
    await producer.send_and_wait(HITS.name, b"no event", key=b"k")
    await producer.stop()
    async with asyncio.timeout(WITHIN_S):
        while True:
            code, said = await _kaifu(stack, "dlq", "show", HITS.name)
            assert code == 0, said
            if "tracker" in said and "crm-archive" in said:
                break
    assert await _kaifu(stack, "dlq", "replay", HITS.name) == (
        0,
        f"2 messages published to {HITS.name} again\n",
    )
    assert await _kaifu(stack, "topics", "check") == (0, "all topics are there\n")


@pytest.mark.parametrize("user", USERS)
async def test_nobody_does_what_the_catalogue_does_not_say(stack: Stack, user: str) -> None:
    """Every user at every topic: reading, writing."""
    settings = _settings(stack, user_name(user))
    rights = {(one.name, operation) for one in rights_of(user) for operation in one.operations}
    unseen = await _unseen(settings)
    refused = {(topic, operation) for topic in unseen for operation in ("Read", "Write")}
    for topic in set(_ALL_TOPICS) - unseen:
        if not await _may_read(settings, topic):
            refused.add((topic, "Read"))
        if (topic, "Write") not in rights and not await _may_write(settings, topic):
            refused.add((topic, "Write"))
    every = {(topic, operation) for topic in _ALL_TOPICS for operation in ("Read", "Write")}
    assert refused == every - rights


async def _unseen(settings: KafkaSettings) -> set[str]:
    """Topics that the user is not even told of; a client would wait for them for ever."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        described = await admin.describe_topics(_ALL_TOPICS)
    finally:
        await admin.close()
    return {one["topic"] for one in described if one["error_code"] == TopicAuthorizationFailedError.errno}


async def _may_read(settings: KafkaSettings, topic: str) -> bool:
    client = consumer_client(settings, None, request_timeout_ms=5000)
    await client.start()
    try:
        client.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(WITHIN_S):
            await client.seek_to_beginning()
            await client.getmany(timeout_ms=200)
    except TopicAuthorizationFailedError:
        return False
    finally:
        await client.stop()
    return True


async def _may_write(settings: KafkaSettings, topic: str) -> bool:
    """Nothing is to be written that is not refused: services would read it."""
    producer = AIOKafkaProducer(**client_options(settings), request_timeout_ms=5000)
    await producer.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            await producer.send_and_wait(topic, b"x", partition=0)
    except TopicAuthorizationFailedError:
        return False
    finally:
        await producer.stop()
    return True


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_joins_the_group_of_another(stack: Stack, service: str) -> None:
    """Whose offsets would then be theirs."""
    settings = _settings(stack, user_name(service))
    topics = [topic.name for topic in TOPICS if service in topic.consumers]
    for group in {one.group for one in READINGS if one.group is not None and one.service != service}:
        client = consumer_client(settings, group)
        client.subscribe(topics)
        with pytest.raises(GroupAuthorizationFailedError):
            await _joined(client)


async def _joined(client: AIOKafkaConsumer) -> None:
    try:
        await client.start()
        await client.getmany(timeout_ms=5000)
    finally:
        await client.stop()


async def test_topics_are_made_by_nobody_but_the_administrator(stack: Stack) -> None:
    """A service that could make one could also choose how it is kept."""
    wider = _settings(stack, user_name("crm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.bus.topics.TOPICS", [dataclasses.replace(HITS, name="email.unheard-of")])
        with pytest.raises(KafkaError):
            await create_topics(wider)


async def test_a_service_with_the_rights_of_another_does_not_serve(stack: Stack, tmp_path: Path) -> None:
    """The tracker, signed in as ingest: it ends or is never ready, and reads nothing."""
    environment = stack.environment_of("tracker") | credentials(user_name("ingest"))
    environment["KAIFU_TRACKER_STATE"] = str(tmp_path / "cache")
    process = ServiceProcess("tracker", environment, tmp_path)
    await process.start(until_ready=False)
    try:
        assert await process.ended(WITHIN_S) != 0
        assert "AuthorizationFailed" in process.log()
    finally:
        if process.running:
            await process.stop(signal.SIGKILL)


def test_every_user_has_a_password_of_its_own() -> None:
    """Else this module would show nothing."""
    assert len({password_of(user_name(user)) for user in USERS}) == len(USERS)
