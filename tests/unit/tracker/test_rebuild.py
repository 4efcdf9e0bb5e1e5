"""A rebuilding whose client brings nothing is begun anew with another client."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from services.tracker.adapters import rebuild
from services.tracker.adapters.cache import Offsets
from services.tracker.adapters.rebuild import Rebuilder
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import CURRENT
from shared.events.catalogue import HITS, SENDS
from shared.settings import KafkaSettings


class _Stalled:
    """Connected, and no record ever comes."""

    stopped = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    def assign(self, partitions: Any) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}

    async def position(self, _: TopicPartition) -> int:
        return 0

    def highwater(self, _: TopicPartition) -> None: ...


async def test_what_does_not_come_is_asked_of_another_client(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _Stalled()

    async def none_aside(*_: Any) -> frozenset[Any]:
        return frozenset()

    monkeypatch.setattr(rebuild, "consumer_client", lambda *_, **__: client)
    monkeypatch.setattr(rebuild, "places_set_aside", none_aside)
    monkeypatch.setattr(rebuild, "_NOTHING_CAME_S", 0.0)
    settings: Any = SimpleNamespace(
        horizon=timedelta(days=7), memory_messages=10, hold=timedelta(), rules=CURRENT
    )
    cache: Any = SimpleNamespace(get=lambda *_: None, offsets=lambda _: Offsets(0, 0))
    rebuilder = Rebuilder(KafkaSettings(), settings, cache, Revocations(), lambda: None, "tracker")
    committed = {TopicPartition(SENDS.name, 0): 5, TopicPartition(HITS.name, 0): 0}
    with pytest.raises(KafkaTimeoutError):
        await rebuilder.rebuild([0], committed)
    assert client.stopped
