"""crm's writes of what it consumes, beside a bare bulk writer of the same documents to the same database.

CPU µs of each process per event, in turns. The documents are those that crm wrote in the round: hits,
messages (the feed's rows), engagements, decisions and timeline rows, without the outbox, which is emptied.
"""

import asyncio
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import bson
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient

from bench import mails
from bench.load import cpu_seconds, line_of, reference
from bench.reference.bare_writer import PREFIX
from bench.results import Figure, figure
from bench.tracker import done, kafka_settings, publish
from deploy.local.stack import Stack
from services.crm.adapters.consumers import ARCHIVE_GROUP, MESSAGES_GROUP
from services.crm.store.messages import message_document
from shared.bus.producer import EventPublisher
from shared.events.catalogue import ENGAGEMENTS, HITS, LOG_DECISIONS, SENDS
from shared.events.ids import new_id
from shared.settings import KafkaSettings

SERVICES = ("crm",)
ROUNDS = 5
MAILS = 500
_WITHIN_S = 120
_KEYS = {
    "messages": "_id", "decisions": "_id", "engagements": "message_id", "timeline": "message_id",
    "hits": "message_id",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """Per event: CPU of the process and time until all were written, in µs."""

    cpu_us: float
    wall_us: float


async def measure(stack: Stack) -> list[Figure]:
    """`crm_vs_bulk`, and `crm_documents_per_s` of the same rounds."""
    settings, environment = kafka_settings(stack, "crm"), stack.environment_of("crm")
    url, name = environment["KAIFU_CRM_MONGODB_URL"], environment["KAIFU_CRM_DATABASE"]
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url, uuidRepresentation="standard", tz_aware=True)
    publisher = EventPublisher(settings, timeout_s=60.0, max_batch_bytes=262_144)
    await publisher.start()
    try:
        await _index_alike(client[name])
        own, bare, documents = [], [], 0
        for number in range(-1, ROUNDS):  # the first one warms up
            mine, messages = await _crm(client[name], settings, publisher, stack.pids["crm"])
            theirs, documents = await _bulk(client[name], url, messages)
            if number >= 0:
                own.append(mine)
                bare.append(theirs)
                print(f"  crm round {number + 1}: {mine.cpu_us:.0f} µs, bulk {theirs.cpu_us:.0f} µs")
    finally:
        await publisher.stop()
        client.close()
    note = (
        f"CPU µs per event, {ROUNDS} rounds of {_events():,} events of {MAILS} mails, which are "
        f"{documents:,} documents; until all were written {median([one.wall_us for one in own]) / 1000:.1f} "
        f"ms per event, the bare writer's {median([one.wall_us for one in bare]) / 1000:.1f} ms"
    )
    values, references = [one.cpu_us for one in own], [one.cpu_us for one in bare]
    ratios = [theirs / mine for mine, theirs in zip(values, references, strict=True)]
    return [
        figure("crm_vs_bulk", "µs", values, references, ratios, "≥ 0.7", note),
        _documents_per_s(own, bare, documents),
    ]


def _documents_per_s(own: Sequence[Cost], bare: Sequence[Cost], documents: int) -> Figure:
    """By the clock, until the last is in the database; the writer waits for nothing in between."""
    mine, theirs = ([documents / (one.wall_us * _events() / 1e6) for one in costs] for costs in (own, bare))
    note = f"until the last of {documents:,} documents was in the database; reference: the bare bulk write"
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return figure("crm_documents_per_s", "/s", mine, theirs, ratios, "", note)


def _events() -> int:
    return MAILS * sum(mails.EVENTS.values())


async def _crm(
    database: Any, settings: KafkaSettings, publisher: EventPublisher, pid: int
) -> tuple[Cost, list[UUID]]:
    """From publishing the events until they are written and told; the messages that they are of."""
    account_id, messages = new_id(), mails.prepared(MAILS)
    await database["messages"].insert_many(
        {"_id": message.id, "account_id": account_id, **message_document(message)} for message in messages
    )
    events = mails.events(account_id, messages)
    before, began = cpu_seconds([pid]), time.perf_counter()
    await publish(publisher, settings, events)
    for topic in (SENDS, LOG_DECISIONS, ENGAGEMENTS):
        await done(settings, MESSAGES_GROUP, topic)
    await done(settings, ARCHIVE_GROUP, HITS)
    await _told(database)
    return _cost(pid, before, began), [message.id for message in messages]


async def _told(database: Any) -> None:
    """Wait until the outbox is empty."""
    async with asyncio.timeout(_WITHIN_S):
        while await database["outbox"].count_documents({}):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)


async def _bulk(database: Any, url: str, messages: Collection[UUID]) -> tuple[Cost, int]:
    """The same documents by the bare writer, and how many there are."""
    collections = {
        name: await database[name].find({key: {"$in": list(messages)}}).to_list(None)
        for name, key in _KEYS.items()
    }
    with tempfile.TemporaryDirectory(prefix="kaifu-bench-") as folder:
        file = Path(folder) / "documents.bson"
        as_kaifu: CodecOptions[Any] = CodecOptions(uuid_representation=4)
        file.write_bytes(
            bson.encode({"database": database.name, "collections": collections}, False, as_kaifu)
        )
        async with reference("bare_writer", file, BENCH_MONGODB_URL=url) as writer:
            assert writer.stdin is not None
            before, began = cpu_seconds([writer.pid]), time.perf_counter()
            writer.stdin.write(b"\n")
            async with asyncio.timeout(_WITHIN_S):
                await line_of(writer)
            return _cost(writer.pid, before, began), sum(map(len, collections.values()))


def _cost(pid: int, cpu_before_s: float, began: float) -> Cost:
    cpu_s, wall_s = cpu_seconds([pid]) - cpu_before_s, time.perf_counter() - began
    return Cost(cpu_s / _events() * 1e6, wall_s / _events() * 1e6)


async def _index_alike(database: Any) -> None:
    """The bare writer's collections get the indexes of crm's: the server has as much to do."""
    for name in _KEYS:
        for index, made in (await database[name].index_information()).items():
            if index != "_id_":
                options = {key: made[key] for key in ("unique", "expireAfterSeconds") if key in made}
                await database[PREFIX + name].create_index(made["key"], name=index, **options)
