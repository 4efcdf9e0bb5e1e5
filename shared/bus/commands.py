"""`kaifu topics` and `kaifu dlq`."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer
from aiokafka import TopicPartition
from rich.console import Console
from rich.table import Table

from shared.bus.consumer import consumer_client
from shared.bus.dead_letters import CONSUMER, ORIGIN, REASON, REPLAYED
from shared.bus.producer import EventPublisher
from shared.bus.topics import create_topics, topic_faults
from shared.events.catalogue import DEAD_LETTER_SUFFIX, TOPICS, Topic, topic_named
from shared.settings import KafkaSettings

topics = typer.Typer(help="The topics of the catalogue.", no_args_is_help=True)
dlq = typer.Typer(help="Dead letters: messages that could not be processed.", no_args_is_help=True)

TopicName = Annotated[str, typer.Argument(help="a topic of the catalogue, e.g. email.hits")]


@topics.command("create")
def create() -> None:
    """Make the topics that are missing."""
    for name in asyncio.run(create_topics(KafkaSettings())):
        typer.echo(f"made {name}")


@topics.command()
def check() -> None:
    """Whether all topics are there with the right number of partitions; exit code 1 if not."""
    faults = asyncio.run(topic_faults(KafkaSettings()))
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo("all topics are there")


@topics.command("list")
def list_topics() -> None:
    """Show the catalogue."""
    table = Table("topic", "owner", "written by", "read by", "key", "kept")
    for topic in TOPICS:
        kept = "latest per key" if topic.retention is None else f"{topic.retention.days} days"
        table.add_row(
            topic.name, topic.owner, ", ".join(topic.producers), ", ".join(topic.consumers), topic.key, kept
        )
    Console().print(table)


@dlq.command("list")
def list_dead_letters() -> None:
    """How many dead letters each topic has, by reason."""
    asyncio.run(_list())


@dlq.command()
def show(topic: TopicName, limit: int = 20) -> None:
    """The newest dead letters of TOPIC: origin, reason, size. Values may hold addresses: not shown."""
    asyncio.run(_show(_known(topic), limit))


@dlq.command()
def replay(topic: TopicName, reason: Annotated[str, typer.Option(help="only with this reason")] = "") -> None:
    """Publish the dead letters of TOPIC to it again. Twice does no harm: effects are keyed by event id."""
    topic = _known(topic)
    count = asyncio.run(_replay(topic, reason))
    typer.echo(f"{count} messages published to {topic} again")


def _known(topic: str) -> str:
    try:
        return topic_named(topic.removesuffix(DEAD_LETTER_SUFFIX)).name
    except KeyError:
        names = ", ".join(known.name for known in TOPICS)
        raise typer.BadParameter(f"no topic {topic!r}; there are {names}") from None


async def _dead_letters(topic: str) -> AsyncIterator[Any]:
    """All dead letters of a topic that are there now."""
    partition = TopicPartition(topic_named(topic).dead_letters, 0)
    client = consumer_client(KafkaSettings(), None)
    await client.start()
    try:
        client.assign([partition])
        await client.seek_to_beginning(partition)
        seen, end = -1, None  # a replayed message may come back here at once: `end` keeps that from looping
        while end is None or seen + 1 < end:
            batch = (await client.getmany(partition, timeout_ms=1500)).get(partition, [])
            end = client.highwater(partition) if end is None else end
            if not batch:
                return
            for record in batch:
                seen = record.offset
                if end is None or seen < end:
                    yield record
    finally:
        await client.stop()


async def _list() -> None:
    table = Table("topic", "reason", "count")
    for topic, reasons in zip(TOPICS, await asyncio.gather(*map(_reasons, TOPICS)), strict=True):
        for reason, same in itertools.groupby(sorted(reasons)):
            table.add_row(topic.name, reason, str(len(list(same))))
    Console().print(table if table.row_count else "no dead letters")


async def _reasons(topic: Topic) -> list[str]:
    return [_header(letter, REASON) async for letter in _dead_letters(topic.name)]


async def _show(topic: str, limit: int) -> None:
    table = Table("origin", "consumer", "reason", "bytes")
    letters = [letter async for letter in _dead_letters(topic)]
    for letter in letters[-limit:]:
        size = str(len(letter.value or b""))
        table.add_row(_header(letter, ORIGIN), _header(letter, CONSUMER), _header(letter, REASON), size)
    Console().print(table if table.row_count else "no dead letters")


async def _replay(topic: str, reason: str) -> int:
    publisher = EventPublisher(KafkaSettings())
    await publisher.start()
    count = 0
    try:
        async for letter in _dead_letters(topic):
            if reason and not _header(letter, REASON).startswith(reason):
                continue
            headers = [(name, value) for name, value in letter.headers if not name.startswith("kaifu-")]
            await publisher.publish_raw(topic, letter.key, letter.value, [*headers, (REPLAYED, b"1")])
            count += 1
    finally:
        await publisher.stop()
    return count


def _header(letter: Any, name: str) -> str:
    return next((value.decode() for key, value in letter.headers if key == name), "")
