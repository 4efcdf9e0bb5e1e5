"""Sent mail beyond memory: a local RocksDB that may be deleted at any time.

It belongs to one cluster (its epoch) and holds, per partition, what was known when the offsets beside it
were committed; never anything newer, so that a rebuild can add exactly what is missing.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import structlog
from rocksdict import Options, Rdict, WriteBatch

from services.tracker.model import Lasting, SendState, Sent
from services.tracker.shard import Record

log = structlog.get_logger(__name__)

_FORMAT = "2"  # of the values; another one is deleted and rebuilt
_IDENTITY = b"identity"


class Offsets(NamedTuple):
    """Up to where (exclusive) a partition's records are in the cache."""

    sends: int
    hits: int


class CacheInUse(OSError):
    """Another process holds the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another tracker uses {folder}: set KAIFU_TRACKER_STATE to a folder of its own")


class SendCache:
    """Records by partition and message. Raises CacheInUse."""

    def __init__(self, folder: Path, epoch: str) -> None:
        self._folder = folder
        self._identity = f"{_FORMAT} {epoch}".encode()
        self._db = self._opened()

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()

    def get(self, partition: int, message_id: UUID) -> Record | None:
        """The record of a message, None if there is none."""
        value = self._db.get(_key(partition, message_id))
        return None if value is None else _decoded(value)

    def offsets(self, partition: int) -> Offsets:
        """Zeros for a partition that was never written."""
        value = self._db.get(_offsets_key(partition))
        return Offsets(0, 0) if value is None else Offsets(*orjson.loads(value))

    def write(self, partition: int, records: dict[UUID, Record], offsets: Offsets) -> None:
        """Records and offsets, all or nothing."""
        batch = WriteBatch(raw_mode=True)
        for message_id, record in records.items():
            batch.put(_key(partition, message_id), _encoded(record))
        batch.put(_offsets_key(partition), orjson.dumps(list(offsets)))
        self._db.write(batch)

    def start_over(self, epoch: str) -> None:
        """Another cluster: nothing that is here means anything there."""
        self._identity = f"{_FORMAT} {epoch}".encode()
        self._db.close()
        self._db = self._opened()

    def belongs_to(self, epoch: str) -> bool:
        """Whether it was written from that cluster."""
        return self._identity == f"{_FORMAT} {epoch}".encode()

    def _opened(self) -> Any:
        try:
            db = _open(self._folder)
            if db.get(_IDENTITY) in (None, self._identity):
                db[_IDENTITY] = self._identity
                return db
            db.close()
            log.info("the cache is of another cluster; rebuilding it")
        except CacheInUse:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a cache, a new one is right
            log.warning("the cache is broken; rebuilding it", error=type(error).__name__)
        shutil.rmtree(self._folder, ignore_errors=True)
        db = _open(self._folder)
        db[_IDENTITY] = self._identity
        return db


def _open(folder: Path) -> Any:
    folder.parent.mkdir(parents=True, exist_ok=True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    try:
        return Rdict(str(folder), options=options)
    except Exception as error:
        if "lock" in str(error).lower():
            raise CacheInUse(folder) from None
        raise


def _key(partition: int, message_id: UUID) -> bytes:
    return partition.to_bytes(2) + message_id.bytes


def _offsets_key(partition: int) -> bytes:
    return b"offsets" + partition.to_bytes(2)


def _encoded(record: Record) -> bytes:
    lasting = record.lasting
    opened = [(slot, str(open_id)) for slot, open_id in (lasting.opened or {}).items()]
    read_at = list((lasting.read_at or {}).items())
    return orjson.dumps([list(record.sent), lasting.first_open, lasting.first_click, opened, read_at])


def _decoded(value: bytes) -> Record:
    sent, first_open, first_click, opened, *later = orjson.loads(value)  # older releases wrote four
    event_id, state, at, judged_from, account_id, user_id, *rest = sent
    return Record(
        Sent(
            UUID(event_id),
            SendState(state),
            datetime.fromisoformat(at),
            datetime.fromisoformat(judged_from) if judged_from else None,
            UUID(account_id),
            UUID(user_id),
            *rest,
        ),
        Lasting(
            UUID(first_open) if first_open else None,
            UUID(first_click) if first_click else None,
            {slot: UUID(open_id) for slot, open_id in opened} or None,
            {slot: datetime.fromisoformat(at) for part in later for slot, at in part} or None,
        ),
    )
