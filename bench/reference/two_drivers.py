"""Motor and PyMongo's asyncio client side by side: the same calls with the same options, in turns.

`python -m bench.reference.two_drivers <database> <rows>`; the database's address in BENCH_MONGODB_URL. It
says `ready` once it has written rows to ask for, then answers each line on its standard input (how often a
call is made, how many at once) with one line of JSON: call → driver → [CPU µs of a call, [milliseconds of
each]].
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID, uuid4

import uvloop
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, IndexModel, ReplaceOne
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

ROWS_OF_PAGE = 51  # a page and the row that tells that there are more, as crm asks for them
UPSERTS = 100
_AS_CRM: dict[str, Any] = {"uuidRepresentation": "standard", "tz_aware": True, "w": "majority"}
_ACCOUNT, _RECORD = uuid4(), uuid4()

Call = Callable[[], Awaitable[object]]


class Driver:
    """One client and the calls."""

    def __init__(self, client: Any, name: str, begun: Callable[[], Awaitable[Any]]) -> None:
        self.client = client
        self._rows = client[name]["bench_rows"]
        self._written = client[name]["bench_written"]
        self._begun = begun
        self.keys: list[UUID] = []

    @property
    def calls(self) -> dict[str, Call]:
        """By name."""
        return {"find": self.find, "page": self.page, "upsert": self.upsert, "transaction": self.transaction}

    async def prepare(self, rows: int) -> None:
        """Rows of one record and the index that a page walks."""
        in_order = [("account_id", 1), ("record_id", 1), ("place", -1)]
        await self._rows.create_indexes([IndexModel(in_order)])
        await self._rows.insert_many([_row(number) for number in range(rows)])

    async def find(self, session: Any = None) -> None:
        """One document by its key."""
        key = self.keys[int(time.perf_counter() * 1e6) % len(self.keys)]
        assert await self._rows.find_one({"_id": key, "account_id": _ACCOUNT}, session=session)

    async def page(self) -> None:
        """Rows in an index's order."""
        where = {"account_id": _ACCOUNT, "record_id": _RECORD}
        cursor = self._rows.find(where).sort("place", -1).limit(ROWS_OF_PAGE)
        assert len(await cursor.to_list(None)) == ROWS_OF_PAGE

    async def upsert(self, session: Any = None) -> None:
        """UPSERTS new documents in one request."""
        rows = [_row(number) for number in range(UPSERTS)]
        writes = [ReplaceOne({"_id": one["_id"], "account_id": _ACCOUNT}, one, upsert=True) for one in rows]
        await self._written.bulk_write(writes, ordered=False, session=session)

    async def transaction(self) -> None:
        """A read by key and the upserts, all or nothing."""
        async with await self._begun() as session, await _started(session):
            await self.find(session)
            await self.upsert(session)


async def _started(session: Any) -> AbstractAsyncContextManager[Any]:
    begun = session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
    started: AbstractAsyncContextManager[Any] = await begun if asyncio.iscoroutine(begun) else begun
    return started


def _row(number: int) -> dict[str, Any]:
    return {
        "_id": uuid4(), "account_id": _ACCOUNT, "record_id": _RECORD, "place": f"{number:045d}",
        "type": "open", "message_id": uuid4(), "user_id": uuid4(), "subject": f"Offer {number}",
        "evidence": [{"rule": "default.open", "values": {}}], "inferred": False, "link": None,
    }  # fmt: skip


async def _measured(call: Call, times: int, at_once: int) -> tuple[float, list[float]]:
    """CPU µs of this process per call, milliseconds of each."""
    left, took = iter(range(times)), []

    async def client() -> None:
        for _ in left:
            began = time.perf_counter()
            await call()
            took.append((time.perf_counter() - began) * 1000)

    before = time.process_time()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return (time.process_time() - before) / times * 1e6, took


def _drivers(url: str, name: str) -> dict[str, Driver]:
    motor: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url, **_AS_CRM)
    asyncio_: AsyncMongoClient[Any] = AsyncMongoClient(url, **_AS_CRM)

    async def session() -> Any:
        return asyncio_.start_session()

    return {
        "motor": Driver(motor, name, motor.start_session),
        "pymongo": Driver(asyncio_, name, session),
    }


async def main(name: str, rows: int, url: str) -> None:
    """Answer until the standard input ends."""
    drivers = _drivers(url, name)
    await drivers["motor"].prepare(rows)
    keys = await drivers["motor"].client[name]["bench_rows"].distinct("_id")
    for driver in drivers.values():
        driver.keys = keys
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        times, at_once = map(int, line.split())
        found = {
            call: {of: await _measured(driver.calls[call], times, at_once) for of, driver in drivers.items()}
            for call in drivers["motor"].calls
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), os.environ["BENCH_MONGODB_URL"]))
