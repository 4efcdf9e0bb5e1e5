"""The content of attachments, in GridFS, and a ledger of how long each file may stay.

A file is entered in the ledger before its first byte is written and leaves it after the last one is
deleted, so that whatever is cut off in between, even by a kill, is found again and cleaned up.
"""

import math
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bson import Int64
from gridfs.errors import NoFile
from pymongo import IndexModel

from services.crm.rules.uploads import Fate
from services.crm.store.bodies import PENDING_FOR
from services.crm.store.database import AccountDocuments, Database, Session, translated

UPLOAD_WITHIN = timedelta(hours=1)
_CHUNK = 1024 * 1024
_LEDGER = "attachment_files"
_BUCKET = "attachments"


class CutOff(RuntimeError):
    """The file was deleted while it was read."""


class AttachmentFiles:
    """Files by id, each of one account."""

    def __init__(self, database: Database) -> None:
        self._ledger = AccountDocuments(database, _LEDGER, [IndexModel("until")])
        in_order = IndexModel([("files_id", 1), ("n", 1)], unique=True)
        self._files = database.collection(f"{_BUCKET}.files", [])
        self._chunks = database.collection(f"{_BUCKET}.chunks", [in_order])
        self._bucket = database.bucket(_BUCKET)

    async def write(
        self, account_id: UUID, file_id: UUID, message_id: UUID, content: AsyncIterator[bytes]
    ) -> None:
        """A new file, to be settled within the hour. Never more than one chunk of it is in memory.

        The driver's own upload stream gathers 48 MB before it writes, so chunks are written here.
        """
        of = {"message_id": message_id, "sweeping": False, "until": datetime.now(UTC) + UPLOAD_WITHIN}
        await self._ledger.insert(account_id, file_id, of)
        length, number = 0, 0
        async for chunk in _chunks_of(content):
            await self._insert(self._chunks, {"files_id": file_id, "n": number, "data": chunk})
            length, number = length + len(chunk), number + 1
        described = {"_id": file_id, "length": Int64(length), "chunkSize": _CHUNK}
        owned = {"account_id": account_id, "message_id": message_id}
        await self._insert(self._files, {**described, "uploadDate": datetime.now(UTC), "metadata": owned})

    @staticmethod
    async def _insert(collection: Any, document: dict[str, Any]) -> None:
        with translated():
            await collection.insert_one(document)

    async def settle(self, account_id: UUID, files: Iterable[tuple[UUID, Fate]], session: Session) -> None:
        """Write down how long each may stay. What is being swept already stays gone."""
        now = datetime.now(UTC)
        until = {Fate.PENDING: now + PENDING_FOR, Fate.KEPT: None, Fate.DISCARDED: now}
        for file_id, fate in files:
            change = {"$set": {"until": until[fate]}}
            await self._ledger.update(account_id, file_id, change, where={"sweeping": False}, session=session)

    async def open(self, account_id: UUID, file_id: UUID) -> AsyncIterator[bytes] | None:
        """The content in pieces of at most 1 MiB; None: there is no such file.

        Each is asked for when it is wanted: the driver's own download stream takes as many at once as an
        answer of the database holds.
        """
        if await self._ledger.get(account_id, file_id) is None:
            return None
        with translated():
            file = await self._files.find_one({"_id": file_id})
        return None if file is None else self._pieces(file_id, file["length"])

    async def _pieces(self, file_id: UUID, length: int) -> AsyncIterator[bytes]:
        for number in range(math.ceil(length / _CHUNK)):
            with translated():
                chunk = await self._chunks.find_one({"files_id": file_id, "n": number})
            if chunk is None:
                raise CutOff("a chunk of the file is gone")
            yield bytes(chunk["data"])

    async def delete(self, account_id: UUID, file_id: UUID) -> None:
        """Delete the content, whole or cut off, then its line in the ledger."""
        try:
            with translated():
                await self._bucket.delete(file_id)
        except NoFile:  # it was cut off; its chunks are deleted all the same
            pass
        await self._ledger.delete_all(account_id, [file_id])


async def _chunks_of(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for piece in content:
        waiting += piece
        while len(waiting) >= _CHUNK:
            yield bytes(waiting[:_CHUNK])
            del waiting[:_CHUNK]
    if waiting:
        yield bytes(waiting)


@dataclass(frozen=True, slots=True)
class DueFile:
    """A file whose time is over."""

    account_id: UUID
    message_id: UUID
    file_id: UUID


class AttachmentLedger:
    """The ledger over all accounts, for the sweeper; it sees no content."""

    def __init__(self, database: Database) -> None:
        self._ledger = database.collection(_LEDGER, [])

    async def due(self, now: datetime, limit: int) -> list[DueFile]:
        """Files whose time is over; from now on nobody can settle them otherwise."""
        over = {"until": {"$lte": now}}
        with translated():
            found = await self._ledger.find(over).limit(limit).to_list(None)
            ids = [entry["_id"] for entry in found]
            await self._ledger.update_many({"_id": {"$in": ids}, **over}, {"$set": {"sweeping": True}})
            swept = await self._ledger.find({"_id": {"$in": ids}, "sweeping": True}).to_list(None)
        return [DueFile(entry["account_id"], entry["message_id"], entry["_id"]) for entry in swept]
