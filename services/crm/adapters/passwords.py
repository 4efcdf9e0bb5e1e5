"""Passwords: argon2id with the library's parameters (RFC 9106, low memory), off the event loop."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))
_AT_ONCE = asyncio.Semaphore(4)  # 64 MiB each


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
