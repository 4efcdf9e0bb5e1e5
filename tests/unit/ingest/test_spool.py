"""The spool keeps what was acknowledged, through kill -9, torn ends and a full disk."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ingest.adapters.spool import FileSpool, open_segment
from services.ingest.durability import SpoolFull
from services.ingest.model import Record
from shared.telemetry.names import (
    SPOOL_BYTES,
    SPOOL_LIMIT_BYTES,
    SPOOL_OLDEST_AGE,
    SPOOL_RECORDS,
    SPOOL_WRITABLE,
)
from tests.unit.ingest.builders import record

pytestmark = pytest.mark.requirement("T9")
_PLENTY = 1 << 30
_MORE_THAN_A_DISK = 1 << 60


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[FileSpool]:
    spool = FileSpool(tmp_path / "spool", _PLENTY)
    await spool.start()
    yield spool
    await spool.stop()


async def _drained(spool: FileSpool) -> list[Record]:
    """All records, oldest first; the spool is empty then."""
    records: list[Record] = []
    while (segment := await spool.oldest()) is not None:
        records.extend(segment.records)
        await spool.remove(segment)
    return records


async def _reopened(folder: Path) -> list[Record]:
    spool = FileSpool(folder, _PLENTY)
    await spool.start()
    records = await _drained(spool)
    await spool.stop()
    return records


async def test_records_come_back_as_they_were_and_in_order(spool: FileSpool, tmp_path: Path) -> None:
    await spool.append([record(1), record(2)])
    await spool.append([record(3)])
    assert SPOOL_RECORDS._value.get() == 3
    assert await _drained(spool) == [record(1), record(2), record(3)]
    assert SPOOL_RECORDS._value.get() == 0
    assert list((tmp_path / "spool").iterdir()) == [], "nothing of a person stays behind"


async def test_an_operator_sees_how_much_waits_how_long_and_how_much_may(tmp_path: Path) -> None:
    """Also what an earlier process left; the limit is the setting's, or the disk's if that has less."""
    spool = FileSpool(tmp_path / "spool", 10_000)
    await spool.start()
    assert (SPOOL_BYTES._value.get(), SPOOL_OLDEST_AGE.collect()[0].samples[0].value) == (0, 0)
    await spool.append([record(1), record(2)])
    size = SPOOL_BYTES._value.get()
    assert size == sum(path.stat().st_size for path in (tmp_path / "spool").iterdir())
    assert (SPOOL_LIMIT_BYTES._value.get(), SPOOL_WRITABLE._value.get()) == (10_000, 1)
    await spool.stop()
    (segment,) = (tmp_path / "spool").iterdir()
    an_hour_ago = time.time() - 3600
    os.utime(segment, (an_hour_ago, an_hour_ago))
    spool = FileSpool(tmp_path / "spool", _MORE_THAN_A_DISK)
    await spool.start()
    assert (SPOOL_RECORDS._value.get(), SPOOL_BYTES._value.get()) == (2, size)
    assert 3600 <= SPOOL_OLDEST_AGE.collect()[0].samples[0].value < 3700
    assert SPOOL_LIMIT_BYTES._value.get() < _MORE_THAN_A_DISK
    await spool.append([record(3)])
    assert await _drained(spool) == [record(1), record(2), record(3)]
    assert (SPOOL_BYTES._value.get(), SPOOL_OLDEST_AGE.collect()[0].samples[0].value) == (0, 0)
    await spool.stop()


async def test_appending_goes_on_while_a_segment_is_drained(spool: FileSpool) -> None:
    await spool.append([record(1)])
    segment = await spool.oldest()
    assert segment is not None
    await spool.append([record(2)])
    await spool.remove(segment)
    assert await _drained(spool) == [record(2)]


async def test_many_records_fill_several_segments_in_order(spool: FileSpool, tmp_path: Path) -> None:
    many = [record(number) for number in range(20_000)]
    for start in range(0, len(many), 1000):
        await spool.append(many[start : start + 1000])
    assert len(list((tmp_path / "spool").glob("*.spool"))) > 1
    assert await _drained(spool) == many


async def test_files_are_for_their_owner_alone(spool: FileSpool, tmp_path: Path) -> None:
    await spool.append([record(1)])
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()}
    assert modes == {0o600}


_WRITER = """
import asyncio, sys
from pathlib import Path
from services.ingest.adapters.spool import FileSpool
from tests.unit.ingest.builders import record

async def main():
    spool = FileSpool(Path(sys.argv[1]), 1 << 30)
    await spool.start()
    number = 0
    while True:
        await spool.append([record(number), record(number + 1)])
        number += 2
        print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        for line in writer.stdout:
            acknowledged = int(line)
            if acknowledged >= 40:
                break
        writer.send_signal(signal.SIGKILL)
    records = await _reopened(folder)
    assert len(records) >= acknowledged
    assert records == [record(number) for number in range(len(records))]


@pytest.mark.parametrize("cut", [1, 4, 7, 8, 9, 30])
async def test_a_torn_end_is_left_out_and_what_follows_goes_on(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / "spool"
    spool = FileSpool(folder, _PLENTY)
    await spool.start()
    await spool.append([record(1)])
    whole = next(folder.glob("*.spool")).stat().st_size
    await spool.append([record(2)])
    await spool.stop()
    path = next(folder.glob("*.spool"))
    os.truncate(path, whole + cut)

    after = FileSpool(folder, _PLENTY)
    await after.start()
    await after.append([record(3)])
    assert await _drained(after) == [record(1), record(3)]
    await after.stop()


async def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = FileSpool(folder, _PLENTY)
    await spool.start()
    await spool.append([record(1), record(2)])
    await spool.stop()
    path = next(folder.glob("*.spool"))
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert await _reopened(folder) == [record(1)]


class _FillingDisk:
    """Opens real files until it is told that the disk is full; then writes fail as they do there."""

    def __init__(self) -> None:
        self.full = False

    def open(self, path: Path) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return open_segment(path)


async def test_a_full_disk_is_said_and_room_is_noticed(tmp_path: Path) -> None:
    disk = _FillingDisk()
    spool = FileSpool(tmp_path / "spool", _PLENTY, disk.open)
    await spool.start()
    disk.full = True
    with pytest.raises(SpoolFull, match="No space left"):
        await spool.append([record(1)])
    assert (spool.writable, SPOOL_WRITABLE._value.get()) == (False, 0)
    await spool.probe()
    assert not spool.writable
    disk.full = False
    await spool.probe()
    assert (spool.writable, SPOOL_WRITABLE._value.get()) == (True, 1)
    await spool.append([record(2)])
    assert await _drained(spool) == [record(2)]
    await spool.stop()


async def test_its_largest_size_counts_as_full_until_it_is_drained(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool", 500)
    await spool.start()
    await spool.append([record(1)])
    with pytest.raises(SpoolFull):
        await spool.append([record(number) for number in range(100)])
    assert not spool.writable
    assert await _drained(spool) == [record(1)]
    await spool.probe()
    assert spool.writable
    await spool.stop()


async def test_it_has_no_room_any_more_a_little_before_it_is_full(tmp_path: Path) -> None:
    """So that the send API refuses steadily, not in turn with each hit that still fits."""
    spool = FileSpool(tmp_path / "spool", 10_000)
    await spool.start()
    written = []
    while spool.writable:
        written.append(record(len(written)))
        await spool.append(written[-1:])
    assert 10_000 - 10_000 // 16 < SPOOL_BYTES._value.get() <= 10_000
    await spool.probe()
    assert not spool.writable
    assert await _drained(spool) == written
    await spool.probe()
    assert spool.writable
    await spool.stop()


_LIMITED = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from services.ingest.adapters.spool import FileSpool
from services.ingest.durability import SpoolFull
from tests.unit.ingest.builders import record

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    spool = FileSpool(Path(sys.argv[1]), 1 << 30)
    await spool.start()
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    kept, refused = [], 0
    for number in range(0, 400, 10):
        try:
            await spool.append([record(number + one) for one in range(10)])
            kept += range(number, number + 10)
        except SpoolFull:
            refused += 1
    await spool.stop()
    print(json.dumps({"kept": kept, "refused": refused}))

asyncio.run(main())
"""


async def test_a_write_that_fits_only_in_part_leaves_no_half_record(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes the kernel take a part of a write, as a disk does that runs full."""
    folder = tmp_path / "spool"
    said = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(folder)], capture_output=True, text=True, check=True
    )
    outcome = json.loads(said.stdout.splitlines()[-1])
    assert outcome["refused"] > 0
    assert outcome["kept"]
    assert await _reopened(folder) == [record(number) for number in outcome["kept"]]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10_000


async def test_a_folder_that_takes_no_writes_is_one_clear_line(tmp_path: Path) -> None:
    disk = _FillingDisk()
    disk.full = True
    with pytest.raises(OSError, match="takes no writes"):
        await FileSpool(tmp_path / "spool", _PLENTY, disk.open).start()
