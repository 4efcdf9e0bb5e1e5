"""The archive of raw hits, with client addresses, for as long as the account says."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pymongo import IndexModel

from services.crm.model.origins import Source
from services.crm.store.database import AccountDocuments, Database, Document
from shared.events.hits import AnyHitEvent

_RAW: TypeAdapter[AnyHitEvent] = TypeAdapter(AnyHitEvent)
_OWN_FIELDS = frozenset({"_id", "kept_until", "microseconds"})


class HitArchive:
    """AnyHitEvent hits by event id."""

    def __init__(self, database: Database) -> None:
        forgotten = IndexModel("kept_until", expireAfterSeconds=0)
        in_order = IndexModel([("account_id", 1), ("occurred_at", 1)])
        by_message = IndexModel([("account_id", 1), ("message_id", 1)])
        self._hits = AccountDocuments(database, "hits", [forgotten, in_order, by_message])

    async def archive(self, account_id: UUID, hits: Sequence[tuple[AnyHitEvent, timedelta]]) -> None:
        """Keep each for so long after it happened; the same hit again changes nothing."""
        await self._hits.add_new(account_id, {hit.event_id: _document(hit, kept) for hit, kept in hits})

    async def sources(self, account_id: UUID, hit_ids: Collection[UUID]) -> dict[UUID, Source]:
        """Where these came from; without those that are not archived yet or no more."""
        found = await self._hits.find(account_id, {"_id": {"$in": list(hit_ids)}})
        fetched = [hit for hit in found if "user_agent" in hit]  # a reply comes from no client
        return {hit["_id"]: Source(hit["client_address"], hit["user_agent"]) for hit in fetched}

    async def of_messages(
        self, account_id: UUID, message_ids: Sequence[UUID], limit: int
    ) -> list[AnyHitEvent]:
        """The hits of these messages, in no order; at most so many."""
        found = await self._hits.find(account_id, {"message_id": {"$in": list(message_ids)}}, limit=limit)
        return [_raw(hit) for hit in found]

    async def oldest(self, account_id: UUID) -> datetime | None:
        """When the first of those happened that are kept."""
        found = await self._hits.find(account_id, {}, sort=("occurred_at", 1), limit=1)
        return found[0]["occurred_at"] if found else None

    async def count_before(self, account_id: UUID, before: datetime) -> int:
        """How many hits are older."""
        return await self._hits.count(account_id, {"occurred_at": {"$lt": before}})

    async def forget_before(self, account_id: UUID, before: datetime, limit: int) -> int:
        """Delete some that are older; how many."""
        found = await self._hits.find(account_id, {"occurred_at": {"$lt": before}}, limit=limit)
        await self._hits.delete_all(account_id, [hit["_id"] for hit in found])
        return len(found)


def _document(hit: AnyHitEvent, kept: timedelta) -> Mapping[str, Any]:
    fields = hit.model_dump(exclude={"event_id", "account_id"})
    below = hit.occurred_at.microsecond % 1000  # the database's times end at milliseconds, the rules' do not
    return {**fields, "kept_until": hit.occurred_at + kept, "microseconds": below}


def _raw(found: Document) -> AnyHitEvent:
    below = timedelta(microseconds=found.get("microseconds", 0))
    fields = {name: value for name, value in found.items() if name not in _OWN_FIELDS}
    return _RAW.validate_python(
        {**fields, "event_id": found["_id"], "occurred_at": found["occurred_at"] + below}
    )
