"""Backup and restore: keys first, since without them sent mail is dead; then the database.

Topics are in no backup: crm publishes what they must hold when it meets a broker that it does not know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from services.crm.store.copies import Copies
from shared.archive import key_files
from shared.archive.format import PART_BYTES, BackupUnusable, Part, Writer, check, parts

_KEY = re.compile(r"keys/([\w.-]+)")
_PART = re.compile(r"collections/([\w.-]+)/\d{6}\.bson")


class NotEmpty(RuntimeError):
    """Something is there that a restore would replace; the message says what."""


@dataclass(slots=True)
class Done:
    """What was copied: names of key files, documents (or parts, when writing) by collection."""

    keys: list[str] = field(default_factory=list)
    collections: dict[str, int] = field(default_factory=dict)


async def write(file: IO[bytes], keys: Mapping[str, Path], copies: Copies | None) -> Done:
    """Write a whole backup; without `copies` the keys alone. Raises DatabaseAway, OSError."""
    done = Done()
    writer = Writer(file, {"made_at": datetime.now(UTC).isoformat(), "holds": "personal data and keys"})
    for name, path in sorted(keys.items()):
        writer.add(Part(f"keys/{name}", path.read_bytes()))
        done.keys.append(name)
    if copies is not None:
        for collection in await copies.collections():
            done.collections[collection] = await _write_collection(writer, copies, collection)
    writer.close()
    return done


async def _write_collection(writer: Writer, copies: Copies, collection: str) -> int:
    number = 0
    async for part in copies.parts(collection, PART_BYTES):
        writer.add(Part(f"collections/{collection}/{number:06d}.bson", part))
        number += 1
    return number


async def restore(path: Path, keys: Mapping[str, Path], copies: Copies, *, force: bool) -> Done:
    """Put all back. Nothing is touched unless the whole file is sound and nothing stands in its way.

    Raises BackupUnusable, NotEmpty, DatabaseAway.
    """
    _check_names(check(path), keys)
    await _check_room(path, keys, copies, force=force)
    if force:
        await copies.empty()
    done = Done()
    for part in parts(path):
        if key := _KEY.fullmatch(part.name):
            if key_files.put(keys[key[1]], part.content):
                done.keys.append(key[1])
        elif collection := _PART.fullmatch(part.name):
            count = await copies.insert(collection[1], part.content)
            done.collections[collection[1]] = done.collections.get(collection[1], 0) + count
    await copies.forget_broker()
    return done


def write_keys(path: Path, folder: Path) -> list[str]:
    """Put only the key files into a folder, as for a Secret. Raises BackupUnusable."""
    check(path)
    found = [(key[1], part.content) for part in parts(path) if (key := _KEY.fullmatch(part.name))]
    for name, content in found:
        key_files.put(folder / name, content)
    return [name for name, _ in found]


def _check_names(names: list[str], keys: Mapping[str, Path]) -> None:
    for name in names:
        key = _KEY.fullmatch(name)
        if not (key or _PART.fullmatch(name)):
            raise BackupUnusable(f"{name} is no part of a backup")
        if key and key[1] not in keys:
            raise NotEmpty(f"no setting says where the {key[1]} keys belong: set it, or use --keys-to")


async def _check_room(path: Path, keys: Mapping[str, Path], copies: Copies, *, force: bool) -> None:
    if force:
        return
    if holding := await copies.holding():
        raise NotEmpty(f"the database is not empty ({len(holding)} collections)")
    for part in parts(path):
        if (key := _KEY.fullmatch(part.name)) and key_files.differing(keys[key[1]], part.content):
            raise NotEmpty(f"other {key[1]} keys are there already")
