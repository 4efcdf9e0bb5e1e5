"""The lease of the outbox, on a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.crm.adapters.outbox import LEASE_S
from services.crm.store.database import Database
from services.crm.store.outbox import OutboxQueue
from tests.integration.crm.own_database import opened, own_database

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with own_database(tmp_path) as own, opened(own.url) as database:
        yield database


async def test_one_process_at_a_time_holds_it(database: Database) -> None:
    queue = OutboxQueue(database)
    assert await queue.lease("one", LEASE_S)
    assert not await queue.lease("two", LEASE_S)
    assert await queue.lease("one", LEASE_S), "it may be renewed"
    await queue.release("one")
    assert await queue.lease("two", LEASE_S)


@pytest.mark.parametrize("ended", [timedelta(seconds=-1), timedelta(hours=2)], ids=["over", "clock set back"])
async def test_a_lease_of_the_past_or_of_a_wrong_clock_is_over(database: Database, ended: timedelta) -> None:
    """Else what a process that died with a fast clock had left would wait for hours."""
    queue = OutboxQueue(database)
    until = await database.now() + ended
    await database.collection("leases", []).insert_one({"_id": "outbox", "holder": "dead", "until": until})
    assert await queue.lease("alive", LEASE_S)
    assert not await queue.lease("third", LEASE_S)
