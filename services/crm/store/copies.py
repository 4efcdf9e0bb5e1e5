"""The documents of the whole database as bytes, out and in again; for backups."""

from collections.abc import AsyncIterator
from typing import Any

from bson import CodecOptions, decode_all
from bson.raw_bson import RawBSONDocument

from services.crm.store.database import Database, translated

_RAW = CodecOptions(document_class=RawBSONDocument)


class Copies:
    """Sees bytes, never content."""

    def __init__(self, database: Database) -> None:
        self._database = database.whole

    async def collections(self) -> list[str]:
        """The collections that there are. Raises DatabaseAway."""
        with translated():
            names: list[str] = await self._database.list_collection_names()
        return sorted(name for name in names if not name.startswith("system."))

    async def parts(self, collection: str, part_bytes: int) -> AsyncIterator[bytes]:
        """All documents, whole ones, at most so many bytes (or one document) at once."""
        part = bytearray()
        with translated():
            async for document in self._database.get_collection(collection, codec_options=_RAW).find({}):
                if part and len(part) + len(document.raw) > part_bytes:
                    yield bytes(part)
                    part.clear()
                part += document.raw
        if part:
            yield bytes(part)

    async def holding(self) -> list[str]:
        """The collections that hold anything."""
        found = []
        for name in await self.collections():
            with translated():
                if await self._database[name].find_one({}, {"_id": 1}) is not None:
                    found.append(name)
        return found

    async def empty(self) -> None:
        """Delete every document."""
        for name in await self.collections():
            with translated():
                await self._database[name].delete_many({})

    async def insert(self, collection: str, part: bytes) -> int:
        """Put the documents of a part back; how many. AlreadyThere if one is there."""
        documents: list[Any] = decode_all(part, _RAW)
        with translated():
            await self._database.get_collection(collection, codec_options=_RAW).insert_many(
                documents, ordered=False
            )
        return len(documents)

    async def forget_broker(self) -> None:
        """At its next start crm takes any broker for a new one, and publishes what the topics must hold."""
        with translated():
            await self._database["upkeep"].delete_one({"_id": "cluster"})
