"""The cache: what goes in comes out, and whatever is wrong with it, it is made anew."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from services.tracker.adapters import cache as module
from services.tracker.adapters.cache import CacheInUse, Offsets, SendCache, _encoded
from services.tracker.handlers import sent_of
from services.tracker.model import Lasting
from services.tracker.shard import Record
from shared.events.ids import new_id
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, SendEvent
from tests.unit.tracker.made import MESSAGE, at, message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def _record(event: SendEvent | None = None) -> Record:
    return Record(sent_of(event or message(recipients=3)), Lasting())


@pytest.mark.parametrize(
    "event",
    [
        message(MessageSent, recipients=3, anonymous=True),
        message(MessageSent, when=0.123456, tracked=False),
        message(MessageScheduled, send_at=at(60) + timedelta(microseconds=7)),
        message(MessageCancelled),
    ],
)
@pytest.mark.parametrize(
    "lasting",
    [
        Lasting(),
        Lasting(new_id(), None, {None: new_id()}),
        Lasting(new_id(), new_id(), {0: new_id(), 2: new_id()}),
        Lasting(new_id(), None, {0: new_id()}, {0: at(60.25), None: at(70)}),
    ],
)
def test_a_record_comes_back_as_it_was(folder: Path, event: SendEvent, lasting: Lasting) -> None:
    cache = SendCache(folder, "epoch")
    record = Record(sent_of(event), lasting)
    cache.write(3, {MESSAGE: record}, Offsets(7, 9))
    cache.close()
    again = SendCache(folder, "epoch")
    assert again.get(3, MESSAGE) == record
    assert again.get(4, MESSAGE) is None
    assert (again.offsets(3), again.offsets(4)) == (Offsets(7, 9), Offsets(0, 0))
    again.close()


@pytest.mark.requirement("B8")
def test_a_record_that_an_older_release_wrote_is_read(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """It says nothing of when a mail was read."""
    lasting = Lasting(new_id(), None, {0: new_id()})
    cache = SendCache(folder, "epoch")
    with monkeypatch.context() as before:
        written = _encoded
        before.setattr(module, "_encoded", lambda record: orjson.dumps(orjson.loads(written(record))[:4]))
        cache.write(0, {MESSAGE: Record(sent_of(message()), lasting)}, Offsets(1, 1))
    found = cache.get(0, MESSAGE)
    assert found is not None
    assert found.lasting == lasting
    cache.close()


def test_another_cluster_empties_it(folder: Path) -> None:
    cache = SendCache(folder, "one")
    cache.write(0, {MESSAGE: _record()}, Offsets(1, 1))
    cache.close()
    cache = SendCache(folder, "two")
    assert (cache.get(0, MESSAGE), cache.offsets(0)) == (None, Offsets(0, 0))
    cache.write(0, {MESSAGE: _record()}, Offsets(1, 1))
    assert cache.belongs_to("two")
    cache.start_over("three")
    assert cache.belongs_to("three")
    assert cache.get(0, MESSAGE) is None
    cache.close()


def test_a_broken_one_is_made_anew(folder: Path) -> None:
    cache = SendCache(folder, "epoch")
    cache.write(0, {MESSAGE: _record()}, Offsets(1, 1))
    cache.close()
    (folder / "CURRENT").write_text("nonsense")
    cache = SendCache(folder, "epoch")
    assert cache.offsets(0) == Offsets(0, 0)
    cache.close()


def test_one_in_use_is_not_touched(folder: Path) -> None:
    cache = SendCache(folder, "epoch")
    cache.write(0, {MESSAGE: _record()}, Offsets(1, 1))
    with pytest.raises(CacheInUse, match="KAIFU_TRACKER_STATE"):
        SendCache(folder, "epoch")
    assert cache.get(0, MESSAGE) == _record()
    cache.close()
