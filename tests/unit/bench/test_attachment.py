"""A process's peak of memory, and what is made of it."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.attachment import Gained, Peak, figures
from services.crm.application.attachments import MAX_STORED_BYTES

# Holds as many MB as a line says for a moment, then says so.
_HOLDER = "import sys\nfor line in sys.stdin: held = b'x' * (int(line) * 10**6); del held; print(flush=True)"


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def hold(process: subprocess.Popen[str], megabytes: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{megabytes}\n")
    process.stdin.flush()
    process.stdout.readline()


def test_a_peak_is_seen_after_it_is_over_and_only_since_it_was_asked_for(
    holder: subprocess.Popen[str],
) -> None:
    peak = Peak(holder.pid)
    hold(holder, 1)
    peak.begin()
    hold(holder, 40)
    assert 38 < peak.gained_mb() < 45
    peak.begin()
    hold(holder, 10)
    assert 9 < peak.gained_mb() < 14


def test_the_greater_peak_counts_beside_the_file() -> None:
    (one,) = figures([Gained(5.0, 2.0), Gained(1.0, 10.0), Gained(1.0, 1.0)])
    size = MAX_STORED_BYTES / 1e6
    assert (one.value, one.reference) == (5.0, size)
    assert (one.ratio, one.low, one.high) == (5.0 / size, 1.0 / size, 10.0 / size)
    assert "uploads 1.0 to 5.0 MB, downloads, in the room that an upload left, 1.0 to 10.0" in one.note
