"""Each page of a list walks one index from its cursor on, so that it costs the same anywhere (R2)."""

import ast
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

import services.crm.store
from services.crm.collaborators import Configuration, collaborate
from services.crm.model.timeline import TimelineType
from services.crm.settings import CrmSettings
from services.crm.store.accuracy import VerdictCounts
from services.crm.store.audit import AuditLog
from services.crm.store.database import AccountDocuments, Database
from services.crm.store.records import AllRecords
from services.crm.store.timeline import TimelineStore
from services.crm.store.webhooks import Deliveries
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType

pytestmark = pytest.mark.requirement("R2")
STORE = Path(services.crm.store.__path__[0])
ACCOUNT = new_id()
PLACE = "0" * 45
DAY = date(2026, 11, 24)
REF = RecordRef(record_type=RecordType.DEAL, record_id=new_id())


class Query(NamedTuple):
    """A find with an order, as a store asks it."""

    collection: str
    where: Mapping[str, Any]
    sort: tuple[str, int]


Index = list[tuple[str, int]]
Page = Callable[[], Awaitable[object]]


@pytest_asyncio.fixture(loop_scope="session")
async def database() -> AsyncIterator[Database]:
    """Connected to nothing."""
    found = Database("mongodb://127.0.0.1:9/", "kaifu")
    yield found
    found.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """What stores ask for in an order; they find nothing."""
    queries: list[Query] = []

    async def find(
        self: AccountDocuments,
        account_id: UUID,
        where: Mapping[str, Any],
        *,
        sort: tuple[str, int] | None = None,
        **_: object,
    ) -> list[object]:
        if sort is not None:
            queries.append(Query(self._documents.name, {"account_id": account_id, **where}, sort))
        return []

    monkeypatch.setattr(AccountDocuments, "find", find)
    return queries


def indexes(database: Database) -> dict[str, list[Index]]:
    """The keys of all indexes, by collection."""
    found: dict[str, list[Index]] = {}
    for collection, models in database._indexes:
        keys = [list(model.document["key"].items()) for model in models]
        found.setdefault(collection.name, []).extend(keys)
    return found


def walks(index: Index, query: Query) -> bool:
    """Whether the index holds what matches side by side and in order.

    What is equal comes first, in any order; then the sorted field, which alone may have bounds. Words of a
    search are looked at along the way.
    """
    bounds = {name for name, value in query.where.items() if isinstance(value, dict)}
    equal = set(query.where) - bounds - {"$and"}
    head, following = index[: len(equal)], index[len(equal) :]
    return {name for name, _ in head} == equal and following[:1] == [query.sort] and bounds <= {query.sort[0]}


def pages(database: Database) -> dict[str, list[Page]]:
    """Every page that stores read, with and without cursor, by the module that reads it."""
    crm = collaborate(Configuration.without_keys(CrmSettings()), database)
    records, timeline = AllRecords(database), TimelineStore(database)
    kinds = (records.contacts, records.companies, records.deals, records.tickets)
    cursors = (None, PLACE)
    return {
        "accuracy": [
            lambda user_id=user_id: VerdictCounts(database).days(ACCOUNT, user_id, DAY, DAY)  # type: ignore[misc]
            for user_id in (None, new_id())
        ],
        "audit": [lambda: AuditLog(database).newest(ACCOUNT, 5)],
        "records": [
            lambda kind=kind, query=query, after=after: kind.page(ACCOUNT, query, after, 5)  # type: ignore[misc]
            for kind in kinds
            for query in ("", "two words")
            for after in cursors
        ],
        "legal_bases": [
            lambda after=after: records.legal_bases.page(ACCOUNT, REF.record_id, after, 5)  # type: ignore[misc]
            for after in cursors
        ],
        "timeline": [
            lambda type_=type_, after=after: timeline.page(ACCOUNT, REF, after, 5, type_)  # type: ignore[misc]
            for type_ in (None, TimelineType.OPEN)
            for after in cursors
        ],
        "messages": [
            lambda after=after: crm.stores.messages.feed(ACCOUNT, new_id(), after, 5)  # type: ignore[misc]
            for after in cursors
        ],
        "webhooks": [
            lambda after=after: Deliveries(database).page(ACCOUNT, new_id(), after, 5)  # type: ignore[misc]
            for after in cursors
        ],
        "hits": [lambda: crm.stores.hits.oldest(ACCOUNT)],
    }


async def test_each_page_walks_one_index(database: Database, asked: list[Query]) -> None:
    """Its equal fields are the index's first, its order is the index's next."""
    for readers in pages(database).values():
        for read in readers:
            await read()
    known = indexes(database)
    assert len(asked) == 30
    for query in asked:
        assert any(walks(index, query) for index in known[query.collection]), query


async def test_words_of_a_search_have_an_index_too(database: Database) -> None:
    """For words that few records have, the planner begins there."""
    AllRecords(database)
    for name in ("contacts", "companies", "deals", "tickets"):
        assert [("account_id", 1), ("words", 1)] in indexes(database)[name]


async def test_no_page_is_forgotten_here(database: Database) -> None:
    """Each module of the store that sorts is tried above."""
    sorting = {
        file.stem
        for file in STORE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "find"
        and any(keyword.arg == "sort" for keyword in node.keywords)
    }
    assert sorting == set(pages(database))


@pytest.mark.parametrize(
    "index",
    [
        [("account_id", 1), ("place", -1)],
        [("account_id", 1), ("record_id", 1), ("place", -1)],
        [("account_id", 1), ("place", -1), ("record_id", 1), ("record_type", 1)],
        [("account_id", 1), ("record_id", 1), ("record_type", 1), ("place", 1)],
    ],
)
def test_an_index_that_would_not_do_is_noticed(index: Index) -> None:
    where = {"account_id": 1, "record_type": 1, "record_id": 1, "place": {"$lt": "x"}}
    query = Query("timeline", where, ("place", -1))
    assert not walks(index, query)
    assert walks([("account_id", 1), ("record_type", 1), ("record_id", 1), ("place", -1)], query)
