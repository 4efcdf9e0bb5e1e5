"""The files without which sent mail is dead: which there are, and putting them back."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path

KeyFiles = Callable[[], Mapping[str, Path]]
"""The key files that a service's settings name; none where no setting of it is set."""


class KeysDiffer(RuntimeError):
    """Services name different files for one purpose, or another one is there already."""


def known_key_files() -> dict[str, Path]:
    """Name → path, of every service that is installed and set up here (entry points `kaifu.keys`).

    Raises KeysDiffer, ValidationError.
    """
    known: dict[str, Path] = {}
    for entry in sorted(entry_points(group="kaifu.keys"), key=lambda entry: entry.name):
        try:
            found: Mapping[str, Path] = entry.load()()
        except ModuleNotFoundError as missing:  # an image installs only the extras of its service
            if missing.name is None or missing.name.startswith(("services", "shared")):
                raise
            continue
        for name, path in found.items():
            if name in known and path.exists() and path.read_bytes() != known[name].read_bytes():
                raise KeysDiffer(f"the services have different {name} keys: see `kaifu doctor`")
            known.setdefault(name, path)
    return known


def differing(path: Path, content: bytes) -> bool:
    """Whether keys are there that would be lost. A ring that was rotated since has all of the other's."""
    return path.exists() and path.read_bytes() != content and not _holds_all(path.read_bytes(), content)


def _holds_all(there: bytes, content: bytes) -> bool:
    """Whether the ring that is there has every key of the other and more: a rotation after the backup."""
    try:
        keys, wanted = json.loads(there)["keys"], json.loads(content)["keys"]
        return bool(wanted.items() <= keys.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def put(path: Path, content: bytes) -> bool:
    """Write a key file, for its owner alone; whether it was not there as it is, or with newer keys.

    What is replaced stays beside it.
    """
    if path.exists() and (path.read_bytes() == content or _holds_all(path.read_bytes(), content)):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        kept = path.with_name(f"{path.name}.before-restore")
        kept.unlink(missing_ok=True)
        kept.hardlink_to(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return True


def listed(pairs: list[str]) -> Iterator[tuple[str, Path]]:
    """`name=path` as given on a command line. ValueError for anything else."""
    for pair in pairs:
        name, _, path = pair.partition("=")
        if not (name and path) or "/" in name:
            raise ValueError(pair)
        yield name, Path(path)
