"""Where a replay reads raw hits: crm's archive, or Kafka as far as its retention reaches."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx
from pydantic import ValidationError

from services.tracker.adapters.replay_spill import Spill
from services.tracker.adapters.whole_topics import oldest, reading, records
from services.tracker.model import ALWAYS
from services.tracker.replay.bookmark import SourceName
from shared.directory.client import DirectorySettings, DirectoryUnavailable
from shared.directory.histories import HistoriesAsked, MessageHistory
from shared.directory.history_client import HistoryClient
from shared.events.catalogue import ENGAGEMENTS, HITS, SENDS
from shared.settings import KafkaSettings


class Page(NamedTuple):
    """Some messages. `place`: with them done, a replay goes on after it. `looked_at`: how many of all."""

    histories: list[MessageHistory]
    place: str | None
    looked_at: int


class Source(Protocol):
    """Raw hits with what they belong to, message by message. `messages`: how many there are to look at."""

    name: SourceName
    messages: int

    def pages(self, after: str | None) -> AsyncIterator[Page]:
        """All behind that place, in order."""
        ...


class SourceUnavailable(RuntimeError):
    """What was asked for can't be read; says what to do."""


class Reaches(NamedTuple):
    """Since when each source has raw hits; None: it has none, or can't be asked."""

    archive: datetime | None
    kafka: datetime | None

    def further(self, since: datetime) -> SourceName:
        """The one that reaches further back, as far as that matters; the archive where both do."""
        if self.archive is None:
            return "archive" if self.kafka is None else "kafka"
        return "kafka" if self.kafka is not None and max(self.kafka, since) < self.archive else "archive"


class ArchiveSource:
    """crm's archive, a page at a time."""

    name: SourceName = "archive"

    def __init__(self, client: HistoryClient, asked: HistoriesAsked, messages: int) -> None:
        self._client = client
        self._asked = asked
        self.messages = messages

    async def pages(self, after: str | None) -> AsyncIterator[Page]:
        """Raises DirectoryUnavailable, DirectoryRefused."""
        while True:
            found, end = await self._client.page(self._asked, after)
            yield Page(found, end.next, end.looked_at)
            after = end.next
            if after is None:
                return


class KafkaSource:
    """The topics, put in order on disk first. What crm knows of a message comes to it where crm answers:
    Kafka forgets judgements after a month, and a first open before that would be taken for none."""

    name: SourceName = "kafka"

    def __init__(self, spill: Spill, client: HistoryClient | None) -> None:
        self._spill = spill
        self._client = client
        self.messages = spill.messages

    async def pages(self, after: str | None) -> AsyncIterator[Page]:
        """Raises DirectoryUnavailable, DirectoryRefused."""
        for history in self._spill.histories(after):
            whole = history if self._client is None else await self._completed(self._client, history)
            yield Page([whole], whole.place, 1)

    async def _completed(self, client: HistoryClient, history: MessageHistory) -> MessageHistory:
        asked = HistoriesAsked(
            since=ALWAYS,
            until=ALWAYS,
            account_id=history.account_id,
            message_id=history.message_id,
        )
        found, _ = await client.page(asked, None)
        if not found:
            return history
        facts = {fact.event_id: fact for fact in (*found[0].facts, *history.facts)}
        return history.model_copy(update={"standing": found[0].standing, "facts": tuple(facts.values())})


class Sources:
    """What can be read here. `crm` None: it can't be asked."""

    def __init__(self, kafka: KafkaSettings, crm: HistoryClient | None, archived: int) -> None:
        self._kafka = kafka
        self._crm = crm
        self._archived = archived
        self.reaches = Reaches(None, None)

    @classmethod
    @asynccontextmanager
    async def opened(cls, kafka: KafkaSettings, asked: HistoriesAsked) -> AsyncIterator["Sources"]:
        """Ask both how far they reach. Raises KafkaError, since corrections go there; DirectoryRefused."""
        async with AsyncExitStack() as stack:
            crm, extent = await _crm(stack), None
            if crm is not None:
                try:
                    extent = await crm.extent(asked)
                except DirectoryUnavailable:
                    crm = None
            sources = cls(kafka, crm, extent.messages if extent else 0)
            client = await stack.enter_async_context(reading(kafka))
            sources.reaches = Reaches(
                extent.since if extent else None, await oldest(client, HITS, kafka.partitions)
            )
            yield sources

    @asynccontextmanager
    async def source(self, name: SourceName, asked: HistoriesAsked, folder: Path) -> AsyncIterator[Source]:
        """The one of that name. `folder`: for what Kafka's is put in order in, and deleted at the end.

        Raises SourceUnavailable, KafkaError.
        """
        if name == "archive":
            if self._crm is None:
                raise SourceUnavailable(
                    "crm's archive can't be asked: see KAIFU_DIRECTORY_URL and KAIFU_DIRECTORY_TOKEN, "
                    "or take --source kafka"
                )
            yield ArchiveSource(self._crm, asked, self._archived)
            return
        with Spill.made(folder, asked) as spill:
            async with reading(self._kafka) as client:
                for topic in (HITS, SENDS, ENGAGEMENTS):
                    async for record in records(client, topic, self._kafka.partitions):
                        spill.put(topic.name, record.value)
            yield KafkaSource(spill, self._crm)


async def _crm(stack: AsyncExitStack) -> HistoryClient | None:
    try:
        settings = DirectorySettings()
    except ValidationError:
        return None
    return HistoryClient(settings, await stack.enter_async_context(httpx.AsyncClient()))
