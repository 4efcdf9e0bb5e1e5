"""The keys that sign access tokens: an EC P-256 JWK set in a private file."""

import json
import os
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet


class SigningKeysUnreadable(RuntimeError):
    """The file is broken; the message names it and holds no key."""


def load_or_create(path: Path) -> KeySet:
    """The keys of the file; the first one signs. Made if missing. Raises SigningKeysUnreadable."""
    if not path.exists():
        _create(path)
    try:
        keys = KeySet.import_key_set(json.loads(path.read_text()))
        usable = bool(keys.keys) and all(key.is_private for key in keys.keys)
    except (JoseError, ValueError, KeyError, TypeError):
        usable = False
    if not usable:
        raise SigningKeysUnreadable(
            f"the signing keys at {path} are broken: delete the file, and everybody signs in again"
        )
    return keys


def new_keys() -> KeySet:
    """A set with one fresh key."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return KeySet([key])


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(new_keys().as_dict(private=True), file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # of two processes that start at once, one makes the file
    except FileExistsError:
        pass
    finally:
        draft.unlink()
