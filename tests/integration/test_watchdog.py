"""A client library that stalls while the broker is well: the process is ended, and its successor goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.bus.producer import EventPublisher
from shared.events.catalogue import ENGAGEMENTS
from shared.events.codec import decode
from shared.events.engagements import EngagementJudged
from shared.health.progress import STALLED_EXIT_CODE
from tests.integration.own_broker import OwnBroker, own_broker, service
from tests.integration.stalling import StallingProxy, stalling_proxy
from tests.unit.tracker.made import hit, message

pytestmark = pytest.mark.integration
WITHIN_S = 60.0
KILLED_AFTER_S = 20  # the embedded broker lets a successor in after its dead predecessor's 6 s and 3 more


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    publisher = EventPublisher(broker.settings)
    await publisher.start()
    yield publisher
    await publisher.stop()


def environment(broker: OwnBroker, proxy: StallingProxy, folder: Path) -> dict[str, str]:
    return {
        **broker.environment(),
        "KAIFU_KAFKA_BOOTSTRAP": f"127.0.0.1:{proxy.port}",
        "KAIFU_TRACKER_STATE": str(folder / "state"),
        "KAIFU_OPS_STALLED_AFTER_S": str(KILLED_AFTER_S / 2),
        "KAIFU_OPS_KILLED_AFTER_S": str(KILLED_AFTER_S),
    }


@asynccontextmanager
async def judged(broker: OwnBroker) -> AsyncIterator[Callable[[set[UUID]], Any]]:
    """Waits until each of these messages has an engagement; fails when one has two of the same hit."""
    seen: dict[UUID, set[UUID]] = {}

    async with broker.reader(ENGAGEMENTS.name) as client:

        async def until(messages: set[UUID]) -> None:
            async with asyncio.timeout(WITHIN_S):
                while not messages <= seen.keys():
                    for records in (await client.getmany(timeout_ms=200)).values():
                        for record in records:
                            event = decode(ENGAGEMENTS.name, record.value)
                            assert isinstance(event, EngagementJudged)
                            seen.setdefault(event.message_id, set()).add(event.engagement_id)
            assert all(len(seen[one]) == 1 for one in messages)

        yield until


async def test_a_stalled_client_ends_its_process_and_the_next_one_misses_nothing(
    broker: OwnBroker, publisher: EventPublisher, tmp_path: Path
) -> None:
    before, during = [uuid4() for _ in range(5)], [uuid4() for _ in range(20)]
    async with (
        stalling_proxy(broker.port) as proxy,
        service("tracker", environment(broker, proxy, tmp_path), tmp_path) as tracker,
        judged(broker) as until_judged,
    ):
        await publisher.publish_all((message(message_id=one), None) for one in before + during)
        await publisher.publish_all((hit(60, message_id=one), None) for one in before)
        await until_judged(set(before))
        proxy.stall()
        await publisher.publish_all((hit(60, message_id=one), None) for one in during)
        assert await tracker.ended(WITHIN_S) == STALLED_EXIT_CODE
        assert proxy.stalled >= 1
        assert "a loop has stalled; ending the process" in tracker.log()
        proxy.heal()
        await tracker.start()
        await until_judged(set(before + during))
