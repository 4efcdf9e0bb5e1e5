"""A gzipped tar that ordinary tools open: `manifest.json` first, then what is kept, `checksums.json` last.

`keys/<name>`: files without which sent mail is dead. `collections/<name>/<number>.bson`: documents one after
the other, at most PART_BYTES and one document a part, so that neither side ever holds more. The checksums say
which parts there must be and what is in each: a file that was cut off or damaged is refused. They are no
signature: whoever can write the file can write them too.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

VERSION = 1
PART_BYTES = 4 << 20
_MANIFEST = "manifest.json"
_CHECKSUMS = "checksums.json"
_MOST_BYTES = 64 << 20  # of one part: the largest document has 16 MiB; more is no backup of ours


class BackupUnusable(ValueError):
    """The file is no backup, or not whole; the message says which."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    content: bytes


class Writer:
    """Writes parts in order; `close` makes the archive whole."""

    def __init__(self, file: IO[bytes], facts: dict[str, Any]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|gz")  # noqa: SIM115 - closed by `close`
        self._sums: dict[str, str] = {}
        manifest = {"format": "kaifu-backup", "version": VERSION, **facts}
        self.add(Part(_MANIFEST, json.dumps(manifest).encode()))

    def add(self, part: Part) -> None:
        """One part; names are unique."""
        if part.name in self._sums:
            raise ValueError(part.name)
        self._sums[part.name] = hashlib.sha256(part.content).hexdigest()
        self._put(part)

    def close(self) -> None:
        """Write the checksums. What is not closed is not whole."""
        self._put(Part(_CHECKSUMS, json.dumps(self._sums).encode()))
        self._tar.close()

    def _put(self, part: Part) -> None:
        entry = tarfile.TarInfo(part.name)
        entry.size, entry.mode = len(part.content), 0o600
        self._tar.addfile(entry, io.BytesIO(part.content))


def parts(path: Path) -> Iterator[Part]:
    """The parts in order, without manifest and checksums. Raises BackupUnusable, at the end at the latest."""
    sums: dict[str, str] = {}
    told: dict[str, str] | None = None
    for part in _read(path):
        if told is not None:
            raise BackupUnusable("the backup goes on after its end")
        if not sums:
            _check_manifest(part)
        if part.name == _CHECKSUMS:
            told = json.loads(part.content)
            continue
        if part.name in sums:
            raise BackupUnusable(f"the backup has {part.name} twice")
        sums[part.name] = hashlib.sha256(part.content).hexdigest()
        if part.name != _MANIFEST:
            yield part
    if told is None:
        raise BackupUnusable("the backup is cut off: its end is missing")
    if told != sums:
        raise BackupUnusable("the backup was changed or damaged: its checksums do not fit")


def check(path: Path) -> list[str]:
    """The names of the parts, in order, after reading all. Raises BackupUnusable."""
    return [part.name for part in parts(path)]


def _read(path: Path) -> Iterator[Part]:
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            for entry in tar:
                if entry.size > _MOST_BYTES or not entry.isreg():
                    raise BackupUnusable(f"{entry.name} is no part of a backup")
                file = tar.extractfile(entry)
                assert file is not None
                yield Part(entry.name, file.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise BackupUnusable("there is no such file") from None
        raise BackupUnusable(f"the backup is cut off or damaged ({type(error).__name__})") from None
    except ValueError as error:
        if isinstance(error, BackupUnusable):
            raise
        raise BackupUnusable(f"the backup is damaged ({type(error).__name__})") from None


def _check_manifest(part: Part) -> None:
    try:
        manifest = json.loads(part.content)
        version = manifest["version"] if manifest["format"] == "kaifu-backup" else None
    except (ValueError, KeyError, TypeError):
        version = None
    if part.name != _MANIFEST or version is None:
        raise BackupUnusable("the file is no backup of Kaifu")
    if version != VERSION:
        raise BackupUnusable(f"the backup has format {version}, this version reads {VERSION}")


@contextmanager
def new_private_file(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner alone, there under its name once it is whole. FileExistsError if there is one."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)  # fails if somebody made one meanwhile
    finally:
        draft.unlink()
