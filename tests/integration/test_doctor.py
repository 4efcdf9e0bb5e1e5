"""`kaifu doctor` on a system that is well, and on one that is broken in every way that it knows."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.local.environment import ops_urls, whole_environment
from deploy.local.ports import free_port
from deploy.local.stack import Stack
from shared.bus.connection import client_options
from shared.bus.topics import wanted_topics
from shared.doctor.commands import examine
from shared.events.catalogue import HITS, SENDS
from shared.settings import KafkaSettings
from tests.integration.client import clean_environment
from tests.integration.own_broker import START_WITHIN_S, own_broker
from tests.integration.running import command

pytestmark = pytest.mark.integration


async def doctor(environment: dict[str, str], services: dict[str, str]) -> tuple[int, list[str]]:
    """How many findings are wrong, and all lines, as in a process that has this environment alone."""
    with pytest.MonkeyPatch.context() as patched:
        for name in os.environ:
            if name.startswith(("KAIFU_", "PUBLIC_")):
                patched.delenv(name)
        for name, value in environment.items():
            patched.setenv(name, value)
        found = [finding async for finding in examine(services)]
    lines = [f"{finding.state.value:6}{finding.sentence}" for finding in found]
    return len(wrongs(lines)), lines


async def command_line(environment: dict[str, str], *arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of `kaifu doctor`."""
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "doctor", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines()


def environment(stack: Stack, **changes: str) -> dict[str, str]:
    """What the services get, with changes."""
    return whole_environment(stack.home, stack.ports, clean_environment()) | changes


def wrongs(lines: list[str]) -> list[str]:
    return [line.removeprefix("WRONG ") for line in lines if line.startswith("WRONG")]


def said(lines: list[str], *words: str) -> bool:
    """Whether one line has all of these."""
    return any(all(word in line for word in words) for line in lines)


async def test_a_healthy_system_is_said_to_be_well(stack: Stack) -> None:
    """By the runner's own command. Nothing that is secret, and no address of a part, is printed."""
    code, output = await command(stack.home, stack.ports, "doctor")
    lines = output.splitlines()
    assert wrongs(lines) == []
    assert (code, lines[-1].startswith("nothing is wrong")) == (0, True)
    for looked_at in ("broker: answers", "topics: all 14", "database: answers", "transactions", "indexes"):
        assert said(lines, "ok", looked_at)
    for service in ("crm", "ingest", "tracker", "logger", "notifier"):
        assert said(lines, f"ok    {service}: serves")
    password = stack.home.database_password_file.read_text()
    secrets = [stack.home.directory_token(), password, *stack.addresses["ops"].values()]
    secrets += [stack.addresses["broker"], stack.addresses["database"], str(stack.home.root)]
    assert [secret for secret in secrets if secret in output] == []


async def test_what_is_away_is_said_with_what_to_do(stack: Stack) -> None:
    """Broker, database, a service, a public address: a port that nothing listens on."""
    dead = f"127.0.0.1:{free_port()}"
    broken = environment(
        stack,
        KAIFU_KAFKA_BOOTSTRAP=dead,
        KAIFU_CRM_MONGODB_URL=f"mongodb://crm:secret-word@{dead}/?directConnection=true",
        PUBLIC_API_URL=f"http://{dead}",
    )
    services = {"courier": f"http://{dead}"}
    count, lines = await doctor(broken, ops_urls(stack.ports) | services)
    assert count == 4
    found = wrongs(lines)
    assert said(found, "broker: does not answer", "-> start it", "KAIFU_KAFKA_BOOTSTRAP")
    assert said(found, "database: does not answer", "-> start it", "KAIFU_CRM_MONGODB_URL")
    assert said(found, "courier: does not answer on its ops port", "log")
    assert said(found, "PUBLIC_API_URL: can't be reached")
    assert not said(lines, "secret-word")
    code, printed = await command_line(broken, "--ops", f"courier=http://{dead}")
    assert code == 1
    assert wrongs(printed) == found
    assert printed[-1].startswith("4 of ")


async def test_what_is_set_wrongly_is_said_with_what_to_do(stack: Stack, tmp_path: Path) -> None:
    for ring in ("tracking", "receipts", "cursors"):
        shutil.copy(stack.home.ring("tracking" if ring == "receipts" else ring), tmp_path / f"{ring}.json")
    (tmp_path / "cursors.json").chmod(0o644)
    (tmp_path / "tracking.json").write_text("{}")
    broken = environment(
        stack,
        KAIFU_KAFKA_PARTITIONS="7",
        KAIFU_KAFKA_REPLICATION="3",
        KAIFU_INGEST_TRACKING_KEYS=str(tmp_path / "tracking.json"),
        KAIFU_INGEST_RECEIPT_KEYS=str(tmp_path / "receipts.json"),
        KAIFU_NOTIFIER_CURSOR_KEYS=str(tmp_path / "cursors.json"),
        KAIFU_INGEST_SPOOL=str(tmp_path / "no-such-volume"),
        KAIFU_NOTIFIER_ALLOWED_ORIGINS="chrome-extension://short",
        KAIFU_CRM_DATABASE="forbidden",
        PUBLIC_TRACKING_URL=stack.addresses["app_url"],
    )
    _, lines = await doctor(broken, ops_urls(stack.ports))
    found = wrongs(lines)
    assert said(found, f"topic {HITS.name}: has 4 partitions, the settings say 7", "KAIFU_KAFKA_PARTITIONS")
    assert said(found, "replication: KAIFU_KAFKA_REPLICATION is 3, the cluster has 1")
    assert said(found, "keys KAIFU_INGEST_TRACKING_KEYS: the ring is broken", "backup")
    assert said(found, "keys KAIFU_NOTIFIER_CURSOR_KEYS: everybody on the machine can read", "chmod 0600")
    assert said(found, "keys: the services have different receipt rings", "same file")
    assert said(found, "spool: the folder is not there", "KAIFU_INGEST_SPOOL")
    assert said(found, "extension origins: 1 of KAIFU_NOTIFIER_ALLOWED_ORIGINS are no origins")
    assert said(found, "database: refuses crm") or said(found, "indexes: missing on")
    assert said(found, "origins: tracking and app share one origin")
    assert said(found, "PUBLIC_TRACKING_URL: something else answers there")
    (tmp_path / "tracking.json").unlink()
    unset = {
        name: value for name, value in broken.items() if not name.startswith(("KAIFU_CRM", "KAIFU_NOTI"))
    }
    _, lines = await doctor(unset | {"KAIFU_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}"}, {})
    assert said(wrongs(lines), "keys KAIFU_INGEST_TRACKING_KEYS: the ring is missing", "backup")
    assert not said(lines, "database"), "the settings of another service are none of this place's"
    assert not said(lines, "CURSOR_KEYS")


async def test_settings_that_can_t_be_read_are_named_without_their_values(stack: Stack) -> None:
    broken = environment(stack, KAIFU_KAFKA_PARTITIONS="a-dozen", KAIFU_INGEST_API_PORT="door")
    count, lines = await doctor(broken, ops_urls(stack.ports))
    assert count == 1
    assert said(wrongs(lines), "KAIFU_KAFKA_PARTITIONS: Input should be a valid integer")
    assert not said(lines, "a-dozen")
    count, lines = await doctor(broken | {"KAIFU_KAFKA_PARTITIONS": "4"}, ops_urls(stack.ports))
    assert count == 1
    assert said(wrongs(lines), "KAIFU_INGEST_API_PORT: Input should be a valid integer")


async def some_topics(settings: KafkaSettings) -> None:
    """All but two, and one as a hand might make it."""
    wanted = {topic.name: topic for topic in wanted_topics(settings)}
    del wanted[HITS.name], wanted[HITS.dead_letters]
    wanted[SENDS.name] = NewTopic(SENDS.name, 4, 1, topic_configs={"cleanup.policy": "delete"})
    async with asyncio.timeout(START_WITHIN_S):
        while not wanted.keys() <= await made(settings, list(wanted.values())):
            await asyncio.sleep(0.1)  # it is starting, or does not know of them yet


async def made(settings: KafkaSettings, topics: list[NewTopic]) -> set[str]:
    """What is there after asking for them. Listed: the embedded broker makes what one describes."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        await admin.create_topics(topics)
        return set(await admin.list_topics())
    except KafkaError:
        return set()
    finally:
        await admin.close()


async def test_a_missing_topic_and_one_that_somebody_else_made(stack: Stack) -> None:
    """Neither is put right, nor made, by asking."""
    async with own_broker(some_topics) as broker:
        for _ in range(2):
            asked = environment(stack, **broker.environment())
            count, lines = await doctor(asked, ops_urls(stack.ports))
            found = wrongs(lines)
            assert said(found, f"topic {HITS.name}: is missing", "kaifu topics create")
            assert said(found, f"topic {HITS.dead_letters}: is missing")
            assert said(found, f"topic {SENDS.name}: cleanup.policy is delete", "says compact")
            assert count == 3
