"""The connection: errors in our words, transactions, and collections that know no query without account."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorGridFSBucket,
)
from pymongo import DeleteOne, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WTimeoutError,
)
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.crm.model.failures import AlreadyThere, DatabaseAway, NotPrepared
from shared.telemetry.names import DATABASE_FAILURES, DATABASE_SECONDS

Document = dict[str, Any]
Session = AsyncIOMotorClientSession
Result = TypeVar("Result")

_SELECTION_MS = 1500  # a prepare has 0.8 s at ingest; a consumer tries again anyway
_SOCKET_MS = 20_000
_CONFLICT_RETRIES = 10
_WRITE_CONFLICT = 112
_UNAUTHORIZED = 13
_AWAY_CODES = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})  # shutting down, no primary
BY_ACCOUNT = IndexModel([("account_id", 1), ("_id", 1)])


class WriteConflict(DatabaseAway):
    """Another transaction wrote the same document; trying again helps."""


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors in our words. What is no matter of availability stays as it is: a bug."""
    try:
        yield
    except DuplicateKeyError:
        raise AlreadyThere("a document with this key exists") from None
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as error:
        DATABASE_FAILURES.labels(type(error).__name__).inc()
        raise DatabaseAway(type(error).__name__) from error
    except BulkWriteError as error:
        raise _of_bulk(error) from error
    except OperationFailure as error:
        raise _of_operation(error) from error


def _of_bulk(error: BulkWriteError) -> Exception:
    codes = {fault.get("code") for fault in error.details.get("writeErrors", [])}
    if _WRITE_CONFLICT in codes:
        return WriteConflict("write conflict")
    return AlreadyThere("a document with this key exists") if codes == {11000} else error


def _of_operation(error: OperationFailure) -> Exception:
    if error.code == _WRITE_CONFLICT or error.has_error_label("TransientTransactionError"):
        return WriteConflict("write conflict")
    if error.code in _AWAY_CODES or error.has_error_label("UnknownTransactionCommitResult"):
        DATABASE_FAILURES.labels(type(error).__name__).inc()
        return DatabaseAway(type(error).__name__)
    return error


class _Measured(CommandListener):
    """The driver's own clock. A write that a transaction loses is answered too: it is no failure."""

    def started(self, event: CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: CommandSucceededEvent) -> None:
        DATABASE_SECONDS.labels(event.command_name).observe(event.duration_micros / 1e6)

    def failed(self, event: CommandFailedEvent) -> None:
        DATABASE_SECONDS.labels(event.command_name).observe(event.duration_micros / 1e6)


async def persistently(step: Callable[[], Awaitable[Result]]) -> Result:
    """Run the step again while it loses against other writers. Raises WriteConflict at last."""
    for attempt in range(_CONFLICT_RETRIES):
        try:
            return await step()
        except WriteConflict:
            await asyncio.sleep(random.uniform(0, 0.004 * 2 ** min(attempt, 5)))  # noqa: S311 - no secret
    return await step()


class Database:
    """One database. Connects when first used; `close` at the end."""

    def __init__(self, url: str, name: str) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            uuidRepresentation="standard",
            tz_aware=True,
            serverSelectionTimeoutMS=_SELECTION_MS,
            connectTimeoutMS=_SELECTION_MS,
            socketTimeoutMS=_SOCKET_MS,
            w="majority",
            event_listeners=[_Measured()],
        )
        self._database = self._client[name]
        self.committed = asyncio.Event()  # set after each transaction; the outbox waits for it
        self._indexes: list[tuple[Any, list[IndexModel]]] = []

    def collection(self, name: str, indexes: Iterable[IndexModel]) -> Any:
        """A collection for `store`'s own use; its indexes are made by `prepare`."""
        found = self._database[name]
        self._indexes.append((found, list(indexes)))
        return found

    def bucket(self, name: str) -> AsyncIOMotorGridFSBucket:
        """A GridFS bucket for `store`'s own use."""
        return AsyncIOMotorGridFSBucket(self._database, bucket_name=name)

    async def prepare(self) -> None:
        """Make indexes that are missing. Raises DatabaseAway, NotPrepared.

        When all are there, this takes no right but to list them: only migrations may change them.
        """
        with translated():
            for collection, indexes in self._indexes:
                if missing := await _missing(collection, indexes):
                    await _make(collection, missing)

    async def without_indexes(self) -> list[str]:
        """The collections that lack some of theirs. Raises DatabaseAway."""
        with translated():
            lacking = [
                str(collection.name)
                for collection, indexes in self._indexes
                if await _missing(collection, indexes)
            ]
        return sorted(set(lacking))

    @property
    def whole(self) -> Any:
        """The database itself, for `store`'s own use: what concerns every collection."""
        return self._database

    async def ping(self) -> None:
        """Raises DatabaseAway."""
        with translated():
            await self._client.admin.command("ping")

    async def now(self) -> datetime:
        """The database's own time, UTC: one clock for all processes. Raises DatabaseAway."""
        with translated():
            answer = await self._client.admin.command("hello")
        moment: datetime = answer["localTime"]
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    async def in_transaction(self, body: Callable[[Session], Awaitable[Result]]) -> Result:
        """All that `body` writes, or nothing. It may run several times, so it must only compute and write.

        Raises DatabaseAway; whether the writes happened is then not known.
        """
        result = await persistently(lambda: self._once(body))
        self.committed.set()
        return result

    async def _once(self, body: Callable[[Session], Awaitable[Result]]) -> Result:
        with translated():
            async with (
                await self._client.start_session() as session,
                session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority")),
            ):
                return await body(session)

    def close(self) -> None:
        """Disconnect."""
        self._client.close()


async def _missing(collection: Any, indexes: Sequence[IndexModel]) -> list[IndexModel]:
    if not indexes:
        return []
    there = await collection.index_information()
    return [index for index in indexes if not _is_there(index.document, there)]


def _is_there(wanted: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether an index of this name does the same; one that does something else is a conflict to report."""
    found = there.get(wanted["name"])
    return (
        found is not None
        and list(found["key"]) == list(wanted["key"].items())
        and all(found.get(option) == wanted.get(option) for option in ("unique", "expireAfterSeconds"))
    )


async def _make(collection: Any, indexes: Sequence[IndexModel]) -> None:
    try:
        await collection.create_indexes(indexes)
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        raise NotPrepared(
            f"indexes of {collection.name} are missing and this user may not make them: `kaifu crm migrate`"
        ) from None


class AccountDocuments:
    """One collection whose documents all belong to accounts, keyed by (account_id, _id)."""

    def __init__(self, database: Database, name: str, indexes: Sequence[IndexModel] = ()) -> None:
        self._documents = database.collection(name, [BY_ACCOUNT, *indexes])

    async def get(self, account_id: UUID, id_: UUID, session: Session | None = None) -> Document | None:
        """One document."""
        return await self.first(account_id, {"_id": id_}, session)

    async def first(
        self, account_id: UUID, where: Mapping[str, Any], session: Session | None = None
    ) -> Document | None:
        """One that matches."""
        with translated():
            found: Document | None = await self._documents.find_one(
                {"account_id": account_id, **where}, session=session
            )
        return found

    async def find(
        self,
        account_id: UUID,
        where: Mapping[str, Any],
        *,
        sort: tuple[str, int] | None = None,
        limit: int = 0,
        session: Session | None = None,
    ) -> list[Document]:
        """All that match, up to `limit` (0: all)."""
        with translated():
            cursor = self._documents.find({"account_id": account_id, **where}, session=session)
            if sort is not None:
                cursor = cursor.sort(*sort)
            found: list[Document] = await cursor.limit(limit).to_list(None)
        return found

    async def count(self, account_id: UUID, where: Mapping[str, Any]) -> int:
        """How many match."""
        with translated():
            return int(await self._documents.count_documents({"account_id": account_id, **where}))

    async def insert(
        self, account_id: UUID, id_: UUID, document: Mapping[str, Any], session: Session | None = None
    ) -> None:
        """A new document. Raises AlreadyThere."""
        whole = {"_id": id_, "account_id": account_id, **document}
        await self._written(lambda: self._documents.insert_one(dict(whole), session=session), session)

    async def add_new(self, account_id: UUID, documents: Mapping[UUID, Mapping[str, Any]]) -> None:
        """Insert those that are not there yet, in one request; the others stay as they are."""
        writes = [
            InsertOne({"_id": id_, "account_id": account_id, **document})
            for id_, document in documents.items()
        ]
        with suppress(AlreadyThere):
            await self._bulk(writes, None)

    async def put_all(
        self, account_id: UUID, documents: Mapping[UUID, Mapping[str, Any]], session: Session | None = None
    ) -> None:
        """Write all, new or not, in one request."""
        writes = [
            ReplaceOne(
                {"_id": id_, "account_id": account_id},
                {"_id": id_, "account_id": account_id, **document},
                upsert=True,
            )
            for id_, document in documents.items()
        ]
        await self._bulk(writes, session)

    async def delete_all(self, account_id: UUID, ids: Iterable[UUID], session: Session | None = None) -> None:
        """Delete those that are there, in one request."""
        await self._bulk([DeleteOne({"_id": id_, "account_id": account_id}) for id_ in ids], session)

    async def update(
        self,
        account_id: UUID,
        id_: UUID,
        change: Mapping[str, Any],
        *,
        where: Mapping[str, Any] | None = None,
        upsert: bool = False,
        session: Session | None = None,
    ) -> bool:
        """Whether there is one (and it matches `where`), or now is.

        Not findAndModify, which nobody needs here: SecantusDB 0.7 reads the whole collection for it.
        """
        key = {"_id": id_, "account_id": account_id, **(where or {})}
        done = await self._written(
            lambda: self._documents.update_one(key, change, upsert=upsert, session=session), session
        )
        return bool(done.matched_count) or done.upserted_id is not None

    async def update_all(
        self,
        account_id: UUID,
        changes: Mapping[UUID, Mapping[str, Any]],
        session: Session | None = None,
        *,
        upsert: bool = False,
    ) -> None:
        """Change those that are there (with `upsert`: all), in one request."""
        writes = [
            UpdateOne({"_id": id_, "account_id": account_id}, change, upsert=upsert)
            for id_, change in changes.items()
        ]
        await self._bulk(writes, session)

    async def update_where(
        self,
        account_id: UUID,
        where: Mapping[str, Any],
        change: Mapping[str, Any],
        session: Session | None = None,
    ) -> int:
        """How many were changed."""
        done = await self._written(
            lambda: self._documents.update_many({"account_id": account_id, **where}, change, session=session),
            session,
        )
        return int(done.modified_count)

    async def _bulk(self, writes: Sequence[Any], session: Session | None) -> None:
        if writes:
            await self._written(
                lambda: self._documents.bulk_write(writes, ordered=False, session=session), session
            )

    @staticmethod
    async def _written(write: Callable[[], Awaitable[Any]], session: Session | None) -> Any:
        async def step() -> Any:
            with translated():
                return await write()

        return await (step() if session is not None else persistently(step))
