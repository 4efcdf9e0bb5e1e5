"""What Faust has fetched is not forgotten when an assignment comes in between."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from services.logger.adapters.faust_app import _Consumer

FIRST, SECOND = TP("email.sends", 0), TP("email.sends", 1)


class _Thread:
    """Notes what is to be read again."""

    def __init__(self) -> None:
        self.rewound: dict[TP, int] = {}

    async def rewind(self, offsets: dict[TP, int]) -> None:
        self.rewound |= offsets


class _Fetching:
    """What `getmany` uses of the consumer: one fetch of three events of one partition, two of another."""

    should_stop = False
    flow_active = True
    scheduler = DefaultSchedulingStrategy()

    def __init__(self) -> None:
        self.app = SimpleNamespace(consumer_generation_id=1)
        self._thread = _Thread()

    async def _wait_next_records(self, _: float) -> tuple[dict[TP, list[Any]], None]:
        offsets = {FIRST: (3, 4, 9), SECOND: (7, 8)}
        return {tp: [SimpleNamespace(offset=one) for one in found] for tp, found in offsets.items()}, None

    def _goes_on(self, generation: int) -> bool:
        consumer: Any = self
        return _Consumer._goes_on(consumer, generation)

    def _to_message(self, _: TP, record: Any) -> int:
        return int(record.offset)


async def taken(fetching: _Fetching, count: int, then: Any = None) -> list[tuple[TP, int]]:
    """The first so many events, and all after `then` was called."""
    found: list[tuple[TP, int]] = []
    consumer: Any = fetching
    async for tp, offset in _Consumer.getmany(consumer, 1.0):
        found.append((tp, offset))
        if len(found) == count and then is not None:
            then()
    return found


async def test_a_whole_fetch_is_given_and_nothing_is_read_again() -> None:
    fetching = _Fetching()
    found = await taken(fetching, 5)
    assert sorted(found) == [(FIRST, 3), (FIRST, 4), (FIRST, 9), (SECOND, 7), (SECOND, 8)]
    assert fetching._thread.rewound == {}


@pytest.mark.parametrize("what", ["assigned", "suspended"])
async def test_what_a_rebalance_leaves_of_a_fetch_is_read_again(what: str) -> None:
    fetching = _Fetching()

    def rebalance() -> None:
        if what == "assigned":
            fetching.app.consumer_generation_id = 2
        else:
            fetching.flow_active = False

    found = await taken(fetching, 2, rebalance)
    assert len(found) == 2
    taken_for_sure, in_doubt = found
    assert fetching._thread.rewound[in_doubt[0]] == in_doubt[1], "whether it was taken is not known"
    assert taken_for_sure not in fetching._thread.rewound.items()
    assert fetching._thread.rewound.keys() == {FIRST, SECOND}


async def test_a_fetch_that_crossed_an_assignment_is_read_again_whole() -> None:
    fetching = _Fetching()
    wait = fetching._wait_next_records

    async def meanwhile(timeout: float) -> Any:
        fetching.app.consumer_generation_id = 2
        return await wait(timeout)

    fetching._wait_next_records = meanwhile  # type: ignore[method-assign]
    assert await taken(fetching, 1) == []
    assert fetching._thread.rewound == {FIRST: 3, SECOND: 7}
