"""Passwords: argon2id with the library's parameters (RFC 9106, low memory), off the event loop."""

import asyncio
import secrets
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
_AT_ONCE = asyncio.Semaphore(4)  # 64 MiB each


def _nobodys() -> str:
    """Looked at for as long as a stored hash, and of no password. Made up, not computed: each start of crm
    and of its commands would take as long as a sign-in more."""
    version, costs = 19, f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    parts = (secrets.token_bytes(length) for length in (_HASHER.salt_len, _HASHER.hash_len))
    salt, digest = (b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"$argon2id$v={version}${costs}${salt}${digest}"


_NOBODYS = _nobodys()


async def hashed(password: str) -> str:
    """What to store."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether it is the password; takes as long when there is no user (None)."""
    async with _AT_ONCE:
        right = await asyncio.to_thread(_matches, password, stored or _NOBODYS)
    return right and stored is not None


def _matches(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
