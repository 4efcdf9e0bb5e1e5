"""F7: one event of a hundred is poison: all of it among the dead letters with reasons, and back by replay.

Two kinds: garbage that is no event at all, and events that meet a bug in a handler. The bug is mended (the
services are upgraded), the dead letters are replayed: what met the bug is stored then, garbage is garbage.
"""

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.bus.partitions import partition_of
from shared.events.catalogue import ENGAGEMENTS, HITS, LOG_DECISIONS, NOTIFICATIONS, SENDS
from tests.chaos.arena import Arena
from tests.chaos.ledger import GROUPS
from tests.chaos.planted import POISONED
from tests.chaos.rounds import Fault
from tests.chaos.settling import STANDS_STILL_AFTER_S

_WITH_BUG = ("crm", "tracker", "logger")
_TOPICS = (HITS, SENDS, ENGAGEMENTS, LOG_DECISIONS, NOTIFICATIONS)


async def prepare(arena: Arena) -> None:
    """The bug is rolled out."""
    await _restarted(arena, "tests.chaos.planted", "one-of-a-hundred-fails")


async def inject(arena: Arena) -> None:
    """Garbage among the hits, one to a hundred, and a little on every topic."""
    producer = AIOKafkaProducer(**client_options(arena.stack.kafka))
    await producer.start()
    garbage: Counter[str] = Counter()
    try:
        for _ in arena.lasting():
            due = len(arena.load.record.hits) // POISONED
            topics = [HITS] * max(0, due - garbage[HITS.name]) + [
                topic for topic in _TOPICS if not garbage[topic.name]
            ]
            for topic in topics:
                garbage[topic.name] += 1
                key = arena.random.randbytes(8)
                value = f"{arena.load.run} poison {garbage[topic.name]} of {topic.name}".encode()
                where = partition_of(key, arena.stack.kafka.partitions)
                await producer.send_and_wait(topic.name, value, key=key, partition=where)
            await asyncio.sleep(0.5)
    finally:
        await producer.stop()
    arena.facts["garbage"] = garbage.total()


async def after(arena: Arena) -> None:
    """Everything is set aside; then the bug is mended and the dead letters are replayed."""
    await _all_read(arena)
    dead = (await arena.broker.catch_up()).dead
    garbage = {(letter.consumer, letter.value) for letter in dead if letter.reason.startswith("undecodable")}
    mine = {(consumer, value) for consumer, value in garbage if value.startswith(arena.load.run.encode())}
    failed = Counter(letter.consumer for letter in dead if letter.reason == "handler-failed: Defect")
    arena.facts["set_aside"] = dict(sorted(failed.items()))
    readers = {topic.name: [name for name, topics in GROUPS.items() if topic in topics] for topic in _TOPICS}
    hits = arena.facts["garbage"] - len(_TOPICS) + 1
    wanted = len(readers[HITS.name]) * hits + sum(len(readers[t.name]) for t in _TOPICS if t is not HITS)
    assert len(mine) == wanted, f"{len(mine)} pieces of garbage among the dead letters, not {wanted}"
    assert {"tracker", "crm", "crm-archive"} <= set(failed), f"no dead letters of a handler's bug: {failed}"
    await _restarted(arena)
    for topic in (HITS, SENDS, ENGAGEMENTS):
        await _replay(arena, topic.name)


async def _restarted(arena: Arena, *launcher: str) -> None:
    workers = [worker for service in _WITH_BUG for worker in arena.stack.workers[service]]
    for worker in workers:
        await worker.restart(*launcher, f"services.{worker.name.partition('-')[0]}")
    await arena.stack.ready()


async def _all_read(arena: Arena) -> None:
    """Each batch with a poisoned event is done one by one, which takes its time on a slow machine: as long as
    anything moves. TimeoutError."""
    before, moved_at = await arena.broker.lag(), time.monotonic()
    while before:
        if time.monotonic() - moved_at > STANDS_STILL_AFTER_S:
            raise TimeoutError(f"lag {before} moves no more")
        await asyncio.sleep(0.5)
        if (lag := await arena.broker.lag()) != before:
            before, moved_at = lag, time.monotonic()


async def _replay(arena: Arena, topic: str) -> None:
    """As an operator does it."""
    command = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "dlq", "replay", topic),
        env=arena.stack.ingest.environment | {"KAIFU_KAFKA_BOOTSTRAP": arena.stack.kafka.bootstrap},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await command.communicate()
    assert command.returncode == 0, output.decode()


FAULT = Fault("F7", "one of a hundred events is poison", inject, prepare=prepare, after=after)
