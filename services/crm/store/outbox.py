"""Events that are written with what they tell of, and published afterwards."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pymongo import IndexModel, ReturnDocument

from services.crm.model.failures import AlreadyThere
from services.crm.store.database import AccountDocuments, Database, Session, translated
from shared.events.base import Event
from shared.events.catalogue import topic_of
from shared.events.codec import decode, encode
from shared.telemetry.tracing import KafkaHeaders, kafka_headers


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event to publish, with the trace that it was written in."""

    event: Event
    headers: KafkaHeaders


class Outbox:
    """Rows in the order of writing. Writers of one subject wait for each other at its document."""

    def __init__(self, database: Database) -> None:
        self._rows = AccountDocuments(database, "outbox")

    async def add(self, account_id: UUID, events: Sequence[Event], session: Session) -> None:
        """Publish these once the transaction is committed. An event that still waits is not doubled."""
        headers = [[name, content.decode()] for name, content in kafka_headers()]
        now = time.time_ns()
        rows = {
            event.event_id: {
                "place": f"{now:020d}{index:06d}",
                "topic": topic_of(event).name,
                "event": encode(event).decode(),
                "headers": headers,
            }
            for index, event in enumerate(events)
        }
        await self._rows.put_all(account_id, rows, session)


class OutboxQueue:
    """The publisher's side: rows of all accounts, and the lease of the one process that publishes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.collection("outbox", [IndexModel("place")])
        self._leases = database.collection("leases", [])

    async def waiting(self, limit: int) -> list[Waiting]:
        """The oldest rows."""
        with translated():
            found = await self._rows.find({}).sort("place", 1).limit(limit).to_list(None)
        return [
            Waiting(
                event=decode(row["topic"], row["event"].encode()),
                headers=[(name, content.encode()) for name, content in row["headers"]],
            )
            for row in found
        ]

    async def count(self) -> int:
        """How many rows wait."""
        with translated():
            return int(await self._rows.count_documents({}))

    async def published(self, event_ids: Sequence[UUID]) -> None:
        """They are acknowledged: forget them."""
        with translated():
            await self._rows.delete_many({"_id": {"$in": list(event_ids)}})

    async def lease(self, holder: str, seconds: float) -> bool:
        """Whether this process may publish for so long; order needs one publisher at a time.

        By the database's clock. A lease that ends later than any can is from before that clock was set back.
        """
        now = await self._database.now()
        until = now + timedelta(seconds=seconds)
        is_over = [{"until": {"$lte": now}}, {"until": {"$gt": until}}]
        free = {"_id": "outbox", "$or": [{"holder": holder}, *is_over]}
        taken = {"$set": {"holder": holder, "until": until}}
        try:
            with translated():
                await self._leases.find_one_and_update(
                    free, taken, upsert=True, return_document=ReturnDocument.AFTER
                )
        except AlreadyThere:
            return False
        return True

    async def release(self, holder: str) -> None:
        """Let another process publish at once."""
        with translated():
            await self._leases.delete_one({"_id": "outbox", "holder": holder})
