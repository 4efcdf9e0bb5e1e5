"""The limit of dead letters counts what the topic brings, not what a replay brings back."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.bus.dead_letters import ORIGIN, REPLAYED, DeadLetterLimitReached, DeadLetters
from shared.events.catalogue import HITS


class _Publisher:
    """Keeps the headers of what is set aside."""

    def __init__(self) -> None:
        self.headers: list[dict[str, bytes]] = []

    async def publish_raw(self, topic: str, key: bytes, value: bytes, headers: Any) -> None:
        assert topic == HITS.dead_letters
        self.headers.append(dict(headers))


def record(offset: int, *headers: tuple[str, bytes]) -> Any:
    return SimpleNamespace(
        topic=HITS.name, partition=0, offset=offset, key=b"k", value=b"garbage", headers=headers
    )


async def test_what_a_replay_brings_back_does_not_stop_the_consumer() -> None:
    publisher: Any = _Publisher()
    dead_letters = DeadLetters(publisher, "crm", limit=2)
    for offset in range(5):
        await dead_letters.put(record(offset, (REPLAYED, b"1")), "undecodable")
    for offset in range(5, 7):
        await dead_letters.put(record(offset), "undecodable")
    await dead_letters.put(record(7, (REPLAYED, b"1")), "undecodable")
    with pytest.raises(DeadLetterLimitReached):
        await dead_letters.put(record(8), "undecodable")
    assert [one[ORIGIN] for one in publisher.headers] == [f"{HITS.name}/0/{n}".encode() for n in range(8)]
    assert not any(REPLAYED in one for one in publisher.headers), "the next replay marks it anew"
