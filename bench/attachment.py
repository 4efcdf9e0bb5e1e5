"""What memory crm gains beyond what it holds idle while 50 MB of attachment go in and out again.

Peaks are the kernel's (VmHWM), set back before each transfer, so none is missed between two looks. What is
left to the driver: it encodes each chunk of 1 MiB into a message and decodes it out of one, so some copies of
a chunk are there at once. Its own GridFS streams would hold up to 48 MB of an upload before they write, of
a download as much as one answer of the database has (16 MB); crm reads and writes chunk by chunk itself.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.database import Fresh
from bench.push import a_rep
from bench.results import Figure, figure
from deploy.local.rep import Json, Rep, http_client, until
from services.crm.application.attachments import MAX_STORED_BYTES

SERVICES = ("crm", "ingest", "logger")
ROUNDS = 5
_PIECE = bytes(range(256)) * 256  # 64 KiB
_KB = 1024
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Gained:
    """MB beyond what was resident before, at the peak of an upload and of a download."""

    upload: float
    download: float


async def measure(fresh: Fresh) -> list[Figure]:
    """`attachment_peak_mb`."""
    async with fresh(SERVICES) as stack, http_client() as http:
        rep, crm = await a_rep(http, stack), Peak(stack.pids["crm"])
        found = [await _round(rep, crm) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
    return figures(found)


async def _round(rep: Rep, crm: "Peak") -> Gained:
    contact = (await rep.get("/v1/contacts", limit=1))["items"][0]
    on = [{"record_type": "contact", "record_id": contact["id"]}]
    mail = await rep.prepare([{"address": contact["addresses"][0]}], [], log=True, records=on)
    crm.begin()
    sent = await _upload(rep, mail)
    upload = crm.gained_mb()
    await rep.confirm_sent(mail)

    async def logged() -> bool | None:
        return True if (await rep.get(f"/v1/messages/{mail['message_id']}"))["logged"] else None

    await until(logged, "the decision to log the mail", 60.0)
    crm.begin()
    assert await _download(rep, _path(rep, mail)) == sent
    gained = Gained(upload, crm.gained_mb())
    print(f"  attachment: {gained.upload:.1f} MB at the upload's peak, {gained.download:.1f} the download's")
    return gained


async def _upload(rep: Rep, mail: Json) -> str:
    """The SHA-256 of what was stored."""
    digest = hashlib.sha256()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_STORED_BYTES // len(_PIECE)):
            digest.update(_PIECE)
            yield _PIECE

    headers = {**_signed(rep), "Kaifu-Receipt": mail["receipt"], "Content-Type": "application/octet-stream"}
    answer = await rep.http.put(f"{_path(rep, mail)}?name=offer.bin", content=pieces(), headers=headers)
    assert answer.raise_for_status().json()["stored"] is True
    return digest.hexdigest()


async def _download(rep: Rep, path: str) -> str:
    """The SHA-256 of what came."""
    digest = hashlib.sha256()
    async with rep.http.stream("GET", path, headers=_signed(rep)) as answer:
        async for piece in answer.raise_for_status().aiter_bytes():
            digest.update(piece)
    return digest.hexdigest()


def _path(rep: Rep, mail: Json) -> str:
    return f"{rep.app_url}/v1/messages/{mail['message_id']}/attachments/0"


def _signed(rep: Rep) -> dict[str, str]:
    return {"Authorization": f"Bearer {rep.token}"}


class Peak:
    """What a process of Linux gains in resident memory. Raises OSError for one that is not ours."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._own = Path(f"/proc/{pid}")
        self._before = 0

    def begin(self) -> None:
        """From now on."""
        (self._own / "clear_refs").write_text("5")  # the peak is what is resident now
        self._before = self._process.memory_info().rss

    def gained_mb(self) -> float:
        """The peak since `begin`, beyond what was resident then."""
        status = (self._own / "status").read_text()
        peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
        return max(0, int(peak) * _KB - self._before) / _MB


def figures(found: Sequence[Gained]) -> list[Figure]:
    """Of rounds."""
    size = MAX_STORED_BYTES / _MB
    peaks = [max(one.upload, one.download) for one in found]
    uploads, downloads = ([getattr(one, way) for one in found] for way in ("upload", "download"))
    note = (
        f"the greater of an upload's and a download's peak beyond what crm held before each, {len(found)} "
        f"rounds; uploads {min(uploads):.1f} to {max(uploads):.1f} MB, downloads, in the room that an upload "
        f"left, {min(downloads):.1f} to {max(downloads):.1f}; reference: the file; ratio: the share of "
        "it that was in memory at once"
    )
    aim, shares = "≤ 1 of the file (never whole)", [peak / size for peak in peaks]
    return [figure("attachment_peak_mb", "MB", peaks, [size] * len(peaks), shares, aim, note)]
