"""Letters that wait for the relay: written with what asks for them, so that a crash loses none."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.letters import Letter, Trouble
from services.crm.store.database import AccountDocuments, Database, translated
from services.crm.store.database import Session as Transaction
from services.crm.store.documents import document, value


class Letters:
    """Of one account."""

    def __init__(self, database: Database) -> None:
        self._letters = AccountDocuments(database, "letters")

    async def add(self, account_id: UUID, letter: Letter, transaction: Transaction) -> None:
        """Send it once the transaction is committed. One that still waits under its id is replaced."""
        fields = {**document(letter), "account_id": account_id}
        await self._letters.put_all(account_id, {letter.id: fields}, transaction)

    async def some(self, account_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Letter]:
        """Those of these that wait or were given up."""
        found = await self._letters.find(account_id, {"_id": {"$in": list(ids)}})
        return {letter["_id"]: value(Letter, letter) for letter in found}

    async def remove(self, account_id: UUID, letter_id: UUID, transaction: Transaction) -> None:
        """Nobody wants it any more."""
        await self._letters.delete_all(account_id, [letter_id], transaction)


class LetterQueue:
    """Letters of all accounts, and those that nobody has looked yet whose they are."""

    def __init__(self, database: Database) -> None:
        self._letters = database.collection("letters", [IndexModel("next_at"), IndexModel("asked_at")])

    async def add(self, letter: Letter) -> None:
        """A letter of no account yet. One that still waits under its id is replaced."""
        with translated():
            await self._letters.replace_one({"_id": letter.id}, document(letter), upsert=True)

    async def withdraw(self, letter_id: UUID, transaction: Transaction) -> None:
        """Nobody wants it any more."""
        with translated():
            await self._letters.delete_one({"_id": letter_id}, session=transaction)

    async def due(self, now: datetime) -> Letter | None:
        """The one that has waited longest beyond its time."""
        with translated():
            found = await self._letters.find_one({"next_at": {"$lte": now}}, sort=[("next_at", 1)])
        return None if found is None else value(Letter, found)

    async def oldest(self) -> datetime | None:
        """When the oldest of those that wait was asked for."""
        with translated():
            found = await self._letters.find_one({"next_at": {"$ne": None}}, sort=[("asked_at", 1)])
        return None if found is None else value(Letter, found).asked_at

    async def take(self, letter: Letter, until: datetime) -> bool:
        """Whether this process may send it, until then: of two, one."""
        mine = {"_id": letter.id, "next_at": letter.next_at, "attempts": letter.attempts}
        change = {"$set": {"next_at": until}, "$inc": {"attempts": 1}}
        with translated():
            done = await self._letters.update_one(mine, change)
        return bool(done.matched_count)

    async def put_off(self, letter: Letter, next_at: datetime | None, trouble: Trouble) -> None:
        """Try again then (None: never), unless it was asked for again meanwhile."""
        change = {"$set": {"next_at": next_at, "trouble": trouble.value}}
        with translated():
            await self._letters.update_one({"_id": letter.id, "asked_at": letter.asked_at}, change)

    async def done(self, letter: Letter, transaction: Transaction | None = None) -> None:
        """Forget it, unless it was asked for again meanwhile."""
        with translated():
            await self._letters.delete_one(
                {"_id": letter.id, "asked_at": letter.asked_at}, session=transaction
            )
