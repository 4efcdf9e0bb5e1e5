"""What concerns the whole database: the broker it last served, and what to restore on a new one."""

from collections.abc import AsyncIterator
from uuid import UUID

from services.crm.store.database import Database, translated
from shared.events.base import Event
from shared.events.catalogue import NOTIFICATION_POLICIES, REVOCATIONS, SENDS
from shared.events.codec import decode

_BATCH = 500


class Upkeep:
    """Sees events, never content."""

    def __init__(self, database: Database) -> None:
        self._facts = database.collection("upkeep", [])
        self._messages = database.collection("messages", [])
        self._revocations = database.collection("revocations", [])
        self._policies = database.collection("notification_policies", [])
        self._mutes = database.collection("mail_mutes", [])
        self._accounts = database.collection("accounts", [])

    async def known_epoch(self) -> str | None:
        """The cluster that the topics were last restored on; None at the very first start."""
        with translated():
            found = await self._facts.find_one({"_id": "cluster"})
        return None if found is None else str(found["epoch"])

    async def remember_epoch(self, epoch: str) -> None:
        """The topics of this cluster hold all that they should."""
        with translated():
            await self._facts.update_one({"_id": "cluster"}, {"$set": {"epoch": epoch}}, upsert=True)

    async def account_after(self, account_id: UUID | None) -> UUID | None:
        """The next account in the order of ids; None: the first one. None when there is none."""
        where = {"_id": {"$gt": account_id}} if account_id else {}
        with translated():
            found = await self._accounts.find(where, {"_id": 1}).sort("_id", 1).limit(1).to_list(None)
        return found[0]["_id"] if found else None

    async def latest_sends(self) -> AsyncIterator[list[Event]]:
        """The newest send event of every message, as it was published, in batches."""
        async for batch in self._batches(self._messages, "last_send"):
            yield [decode(SENDS.name, event.encode()) for event in batch]

    async def revocations(self) -> AsyncIterator[list[Event]]:
        """The last word on every subject, in batches."""
        async for batch in self._batches(self._revocations, "event"):
            yield [decode(REVOCATIONS.name, event.encode()) for event in batch]

    async def notification_policies(self) -> AsyncIterator[list[Event]]:
        """The last word of every user and on every mail, in batches."""
        for collection in (self._policies, self._mutes):
            async for batch in self._batches(collection, "event"):
                yield [decode(NOTIFICATION_POLICIES.name, event.encode()) for event in batch]

    @staticmethod
    async def _batches(collection: object, field: str) -> AsyncIterator[list[str]]:
        last: UUID | None = None
        while True:
            where = {"_id": {"$gt": last}} if last else {}
            with translated():
                found = await collection.find(where, {field: 1}).sort("_id", 1).limit(_BATCH).to_list(None)  # type: ignore[attr-defined]
            if not found:
                return
            last = found[-1]["_id"]
            yield [document[field] for document in found if document.get(field)]
