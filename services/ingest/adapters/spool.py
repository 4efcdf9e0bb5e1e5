"""The spool: segment files of records, fsynced before their hits are answered.

A record on disk is its length and CRC-32 (4 bytes each, big-endian) and a JSON body. A torn end, as
`kill -9` or a full disk leaves it, fails the check and is left out: nobody was answered for it. All
writing happens in one thread, so groups are written and fsynced one after the other.
"""

import asyncio
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.ingest.durability import SpoolFull
from services.ingest.model import Door, Record, Segment
from shared.telemetry.names import (
    SPOOL_BYTES,
    SPOOL_LIMIT_BYTES,
    SPOOL_OLDEST_AGE,
    SPOOL_RECORDS,
    SPOOL_WRITABLE,
)

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 1 << 20
_HEAD = 8
_SUFFIX = ".spool"
_PROBE = ".probe"
_PROBE_BYTES = 8192
_ROOM_BYTES = 64 * 1024

Open = Callable[[Path], int]


def open_segment(path: Path) -> int:
    """A new file, for its owner alone: records hold client addresses."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)


class FileSpool:
    """The spool in one folder. Raises OSError from `start` when the folder can't be used."""

    def __init__(self, folder: Path, max_bytes: int, open_file: Open = open_segment) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._open_file = open_file
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._closed_segments: list[Path] = []
        self._bytes = 0
        self._records = 0
        self._next = 0
        self._handle: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._writable = True
        self._oldest_since: float | None = None
        SPOOL_OLDEST_AGE.set_function(self._oldest_age)

    @property
    def writable(self) -> bool:
        """False from a failed write, or with little room left, until there is room again.

        What can be refused is refused a little before what can't be: hits take the last of the room.
        """
        return self._writable

    async def start(self) -> None:
        """Take over what an earlier process left."""
        await self._in_thread(self._take_over)

    async def stop(self) -> None:
        """Close the open segment; its records stay."""
        await self._in_thread(self._close_segment)
        self._writer.shutdown()

    async def append(self, records: Sequence[Record]) -> None:
        """Return once all are on the disk. Raises SpoolFull: then none of them counts as stored."""
        await self._in_thread(self._append, records)

    async def oldest(self) -> Segment | None:
        """The oldest segment; the open one is closed when it is the oldest."""
        oldest: Segment | None = await self._in_thread(self._oldest)
        return oldest

    async def remove(self, segment: Segment) -> None:
        """Delete a segment that the broker has."""
        await self._in_thread(self._remove, segment)

    async def probe(self) -> None:
        """Write something and delete it, to see whether the disk takes writes again."""
        await self._in_thread(self._probe)

    async def _in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._measured, work, *args)

    def _measured(self, work: Callable[..., Any], *args: Any) -> Any:
        try:
            result = work(*args)
        except SpoolFull:
            self._measure()
            raise
        self._measure()
        return result

    def _measure(self) -> None:
        """What the spool holds, and could: its disk may have less room than its setting allows."""
        SPOOL_RECORDS.set(self._records)
        SPOOL_BYTES.set(self._bytes)
        SPOOL_LIMIT_BYTES.set(min(self._max_bytes, self._bytes + shutil.disk_usage(self._folder).free))
        SPOOL_WRITABLE.set(self._writable)
        if not self._records:
            self._oldest_since = None
        elif self._oldest_since is None:
            self._oldest_since = self._written_at()

    def _written_at(self) -> float:
        """When the oldest segment was written last: what it holds is at least that old."""
        oldest = self._closed_segments[0] if self._closed_segments else self._path
        return time.time() if oldest is None else oldest.stat().st_mtime

    def _oldest_age(self) -> float:
        since = self._oldest_since
        return 0.0 if since is None else max(0.0, time.time() - since)

    def _take_over(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = sorted(self._folder.glob(f"*{_SUFFIX}"))
        self._closed_segments = found
        self._bytes = sum(path.stat().st_size for path in found)
        self._next = int(found[-1].stem) + 1 if found else 0
        self._records = sum(1 for path in found for _ in _bodies(path.read_bytes()))
        if found:
            log.info("found hits of an earlier process in the spool", segments=len(found))
        self._probe()
        if not self._writable:
            raise OSError(f"the spool folder {self._folder} takes no writes: free or mount it")

    def _append(self, records: Sequence[Record]) -> None:
        data = b"".join(_packed(record) for record in records)
        try:
            if self._bytes + len(data) > self._max_bytes:
                raise OSError("the spool has reached its largest size")
            if self._handle is None:
                self._open_segment()
            self._write(data)
        except OSError as error:
            self._writable = False
            self._abandon()
            raise SpoolFull(error.strerror or str(error)) from None
        self._size += len(data)
        self._bytes += len(data)
        self._writable = self._has_room()
        self._records += len(records)
        if self._size >= SEGMENT_BYTES:
            self._close_segment()

    def _open_segment(self) -> None:
        path = self._folder / f"{self._next:016d}{_SUFFIX}"
        self._next += 1
        self._handle = self._open_file(path)
        self._path, self._size = path, 0
        _sync_folder(self._folder)

    def _write(self, data: bytes) -> None:
        assert self._handle is not None
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        os.fsync(self._handle)

    def _abandon(self) -> None:
        """After a failed write: cut off what is half there, and trust the file no further."""
        if self._handle is None:
            return
        try:
            os.ftruncate(self._handle, self._size)
        except OSError as error:
            log.warning("a torn record stays in the spool; its check will fail", error=error.strerror)
        self._close_segment()

    def _close_segment(self) -> None:
        if self._handle is None or self._path is None:
            return
        os.close(self._handle)
        if self._size:
            self._closed_segments.append(self._path)
        else:
            self._path.unlink(missing_ok=True)
        self._handle = self._path = None

    def _oldest(self) -> Segment | None:
        if not self._closed_segments:
            self._close_segment()
        if not self._closed_segments:
            return None
        path = self._closed_segments[0]
        return Segment(path.name, tuple(_read(path)), path.stat().st_size)

    def _remove(self, segment: Segment) -> None:
        path = self._folder / segment.name
        path.unlink()
        _sync_folder(self._folder)
        self._closed_segments.remove(path)
        self._oldest_since = None  # the next oldest is measured anew
        self._bytes -= segment.size
        self._records -= len(segment.records)

    def _probe(self) -> None:
        path = self._folder / _PROBE
        path.unlink(missing_ok=True)
        try:
            handle = self._open_file(path)
            try:
                os.write(handle, bytes(_PROBE_BYTES))
                os.fsync(handle)
            finally:
                os.close(handle)
                path.unlink()
        except OSError:
            self._writable = False
        else:
            self._writable = self._has_room()

    def _has_room(self) -> bool:
        return self._bytes + min(_ROOM_BYTES, self._max_bytes // 16) <= self._max_bytes


def _packed(record: Record) -> bytes:
    headers = [[name, value.decode("latin-1")] for name, value in record.headers]
    body = orjson.dumps([record.door.value, record.key.decode(), record.value.decode(), headers])
    return len(body).to_bytes(4) + zlib.crc32(body).to_bytes(4) + body


def _read(path: Path) -> list[Record]:
    """The records of a segment, up to the first that fails its check."""
    data = path.read_bytes()
    records = []
    whole = 0
    for body in _bodies(data):
        whole += _HEAD + len(body)
        door, key, value, headers = orjson.loads(body)
        records.append(
            Record(
                Door(door),
                key.encode(),
                value.encode(),
                tuple((name, text.encode("latin-1")) for name, text in headers),
            )
        )
    if whole < len(data):
        log.warning("left out a torn end of a spool segment", segment=path.name, size=len(data) - whole)
    return records


def _bodies(data: bytes) -> Iterator[bytes]:
    """Each whole body."""
    at = 0
    while at + _HEAD <= len(data):
        size, check = int.from_bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8])
        at += _HEAD + size
        body = data[at - size : at]
        if len(body) < size or zlib.crc32(body) != check or not size:
            return
        yield body


def _sync_folder(folder: Path) -> None:
    """Make names durable: a file whose name is lost is lost."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
