"""Key rings: the current key seals, all keys open.

A ring is a JSON file, mode 0600, `{"current": 2, "keys": {"1": "<base64 of 64 bytes>", "2": …}}`.
Rotation adds a key and makes it current; older keys stay, since addresses in sent mail are for ever.
Removing a key from the file retires what it sealed.
"""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 64  # AES-SIV with two 256-bit keys (RFC 5297)
MAX_KEY_ID = 255  # one byte of the token


class KeyRingUnreadable(RuntimeError):
    """The ring's file is missing or broken; the message says what to do and holds no key."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose, by id (0 to 255)."""

    current: int
    keys: dict[int, AESSIV]

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a ring. Raises KeyRingUnreadable."""
        try:
            content = json.loads(path.read_text())
            keys = {_key_id(key_id): _key(key) for key_id, key in content["keys"].items()}
            current = int(content["current"])
        except FileNotFoundError:
            raise KeyRingUnreadable(f"no key ring at {path}: make one with `kaifu keys new {path}`") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyRingUnreadable(f"the key ring at {path} is broken: restore it from the backup") from None
        if current not in keys:
            raise KeyRingUnreadable(f"the key ring at {path} does not hold its current key {current}")
        return cls(current, keys)


def _key_id(text: str) -> int:
    key_id = int(text)
    if not 0 <= key_id <= MAX_KEY_ID:
        raise ValueError(key_id)
    return key_id


def _key(text: str) -> AESSIV:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("a key of another length")
    return AESSIV(key)


def create(path: Path) -> None:
    """Write a new ring with one key. FileExistsError if there is one: keys are never replaced."""
    _write(path, {"current": 1, "keys": {"1": _new_key()}}, exclusive=True)


def rotate(path: Path) -> int:
    """Add a key and make it current; returns its id. Services take it at their next start."""
    KeyRing.load(path)
    content = json.loads(path.read_text())
    key_id = max(int(known) for known in content["keys"]) + 1
    if key_id > MAX_KEY_ID:
        raise KeyRingUnreadable(f"the key ring at {path} is full: key ids end at {MAX_KEY_ID}")
    content["keys"][str(key_id)] = _new_key()
    content["current"] = key_id
    _write(path, content, exclusive=False)
    return key_id


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _write(path: Path, content: dict[str, object], *, exclusive: bool) -> None:
    """Atomic and durable: half a key ring would be the loss of every address ever sent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    if exclusive:
        try:
            path.hardlink_to(draft)  # fails if there is one, also one that another process made just now
        finally:
            draft.unlink()
    else:
        draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
