"""What Kafka and MongoDB hold, read past every service."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from shared.bus.connection import client_options
from shared.bus.consumer import consumer_client
from shared.bus.dead_letters import CONSUMER, REASON
from shared.events.catalogue import ENGAGEMENTS, HITS, LOG_DECISIONS, NOTIFICATIONS, SENDS, TOPICS
from shared.settings import KafkaSettings
from tests.chaos.oracle import OnKafka, Place, Raised, Stored

GROUPS = {
    "tracker": (SENDS, HITS),
    "logger": (SENDS,),
    "crm": (SENDS, ENGAGEMENTS, LOG_DECISIONS),
    "crm-archive": (HITS,),
}
_READ = (SENDS, HITS, NOTIFICATIONS)
_READ_WITHIN_MS = 1000


@dataclass(slots=True)
class DeadLetter:
    """One message that a consumer set aside."""

    topic: str
    consumer: str
    reason: str
    value: bytes


@dataclass(slots=True)
class Log:
    """All that was read of the topics so far."""

    hits: list[tuple[str, UUID]] = field(default_factory=list)  # user agent, event id
    sends: set[UUID] = field(default_factory=set)
    raised: dict[UUID, Raised] = field(default_factory=dict)
    retracted: set[UUID] = field(default_factory=set)
    dead: list[DeadLetter] = field(default_factory=list)


class Broker:
    """Reads the topics from their beginning, as far as they go now."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.log = Log()
        self._kafka = kafka
        self._client: AIOKafkaConsumer | None = None
        numbers = range(kafka.partitions)
        self._partitions = [TopicPartition(topic.name, number) for topic in _READ for number in numbers]
        consumed = {topic for topics in GROUPS.values() for topic in topics}
        self._consumed = [TopicPartition(topic.name, number) for topic in consumed for number in numbers]
        self._partitions += [TopicPartition(topic.dead_letters, 0) for topic in TOPICS]

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.stop()
            self._client = None

    async def catch_up(self) -> Log:
        """Read up to the present end. Raises KafkaError."""
        client = await self._connected()
        ends = await client.end_offsets(self._partitions)
        while True:
            batches = await client.getmany(timeout_ms=_READ_WITHIN_MS)
            for partition, records in batches.items():
                for record in records:
                    self._take(partition.topic, record)
            if all([await client.position(partition) >= end for partition, end in ends.items()]):
                return self.log

    async def lag(self) -> dict[str, int]:
        """Messages that are not committed yet, by group, where there are any."""
        lag: Counter[str] = Counter()
        for (group, _), (done, end) in (await self._behind()).items():
            lag[group] += end - done
        return dict(lag)

    async def committed_with_lag(self) -> dict[tuple[str, TopicPartition], int]:
        """Committed offsets by group and partition, where something waits."""
        return {place: done for place, (done, _) in (await self._behind()).items()}

    async def _behind(self) -> dict[tuple[str, TopicPartition], tuple[int, int]]:
        """Committed offset and end."""
        client = await self._connected()
        ends = await client.end_offsets(self._consumed)
        admin = AIOKafkaAdminClient(**client_options(self._kafka))
        await admin.start()
        try:
            behind = {}
            for group, topics in GROUPS.items():
                committed = await admin.list_consumer_group_offsets(group)
                names = {topic.name for topic in topics}
                for partition, end in ends.items():
                    known = committed.get(partition)
                    done = 0 if known is None else max(0, known.offset)
                    if partition.topic in names and end > done:
                        behind[group, partition] = (done, end)
            return behind
        finally:
            await admin.close()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._client is None:
            self._client = consumer_client(self._kafka, None, fetch_max_wait_ms=50, max_poll_records=10_000)
            await self._client.start()
            self._client.assign(self._partitions)
            await self._client.seek_to_beginning()
        return self._client

    def _take(self, topic: str, record: Any) -> None:
        if topic.endswith(".dlq"):
            headers = {name: value.decode() for name, value in record.headers}
            letter = DeadLetter(topic, headers[CONSUMER], headers[REASON], record.value or b"")
            self.log.dead.append(letter)
            return
        try:
            event = orjson.loads(record.value or b"")
        except orjson.JSONDecodeError:
            return  # poison
        if topic == HITS.name and "user_agent" in event:
            self.log.hits.append((event["user_agent"], UUID(event["event_id"])))
        elif topic == SENDS.name and event.get("type") == "message_sent":
            self.log.sends.add(UUID(event["message_id"]))
        elif topic == NOTIFICATIONS.name:
            self._of_screens(event, record)

    def _of_screens(self, event: Mapping[str, Any], record: Any) -> None:
        if event["type"] == "notification_raised":
            id_, message = UUID(event["notification_id"]), UUID(event["message_id"])
            self.log.raised.setdefault(id_, Raised(id_, message, record.partition, record.offset))
        elif event["type"] == "notification_retracted":
            self.log.retracted.add(UUID(event["notification_id"]))

    def on_kafka(self, agent: str, messages: "frozenset[UUID]") -> OnKafka:
        """What concerns one run: its hits by their user agents, the rest by its messages."""
        return OnKafka(
            _numbered(agent, self.log.hits),
            frozenset(self.log.sends & messages),
            [raised for raised in self.log.raised.values() if raised.message_id in messages],
            frozenset(self.log.retracted),
        )


def _numbered(agent: str, hits: "list[tuple[str, UUID]]") -> list[Place]:
    number = re.compile(re.escape(agent) + r"(\d+)$")
    return [(int(found[1]), id_) for text, id_ in hits if (found := number.search(text))]


class Records:
    """Reads crm's collections."""

    def __init__(self, url: str) -> None:
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url, uuidRepresentation="standard", serverSelectionTimeoutMS=3000, socketTimeoutMS=120_000
        )
        self._database = self._client["kaifu"]

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()

    async def waiting(self) -> int:
        """Rows of the outbox."""
        return len(await self._database["outbox"].find({}, {"_id": 1}).limit(1000).to_list())

    async def stored(self, agent: str, messages: "frozenset[UUID]") -> Stored:
        """What concerns one run. Raises PyMongoError."""
        hits = await self._all("hits", "user_agent")
        engagements = await self._all("engagements", "hit_id", "kind", "inferred", "message_id")
        mails = await self._all("messages", "state")
        decisions = await self._all("decisions", "decided")
        rows = await self._all("timeline", "message_id", "engagement_id", "record_id")
        return Stored(
            _numbered(agent, [(hit.get("user_agent", ""), hit["_id"]) for hit in hits]),
            [
                (one["hit_id"], one["kind"], one["inferred"])
                for one in engagements
                if one["message_id"] in messages
            ],
            frozenset(mail["_id"] for mail in mails if mail["state"] == "sent") & messages,
            frozenset(one["_id"] for one in decisions if one.get("decided")) & messages,
            [
                (row["message_id"], row["engagement_id"], row["record_id"])
                for row in rows
                if row["message_id"] in messages
            ],
        )

    async def _all(self, collection: str, *fields: str) -> list[dict[str, Any]]:
        return await self._database[collection].find({}, dict.fromkeys(fields, 1)).to_list()
