"""crm's public keys, fetched over HTTP and kept.

A verifier goes on working while crm is away. An unknown key id triggers one fetch, at most every
ten seconds (every second while there are no keys yet), so a flood of forged tokens does not become
a flood of fetches. What was verified under the present keys is remembered: of a token that comes again
only the end is looked at.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.auth.tokens import ExpiredAccessToken, InvalidAccessToken, SignedIn, verify

log = structlog.get_logger(__name__)
REFETCH_AFTER_S = 10.0
RETRY_AFTER_S = 1.0  # while crm has not been reached once
_REMEMBERED = 10_000  # tokens, 1.5 KB each; a user bears one in ten minutes


class KeysUnavailable(RuntimeError):
    """crm has not been reached once since the start."""


class AccessTokenVerifier:
    """Verifies access tokens with keys from `<app>/.well-known/jwks.json`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        jwks_url: str,
        issuer: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = http
        self._clock = clock
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._now = now
        self._keys: KeySet | None = None
        self._verified = _remembering(KeySet([]), issuer)
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether keys have been fetched at least once."""
        return self._keys is not None

    async def verify(self, token: str) -> SignedIn:
        """Who bears the token. Raises InvalidAccessToken (or Expired…), KeysUnavailable."""
        keys = self._keys or await self.fetch()
        try:
            who = self._verified(token)
        except InvalidAccessToken:
            if not self._names_unknown_key(keys, token):
                raise
            await self.fetch()
            who = self._verified(token)
        if who.expires_at <= self._now():
            raise ExpiredAccessToken("the sign-in has expired")
        return who

    async def fetch(self) -> KeySet:
        """Fetch the keys, unless that was tried just now. Raises KeysUnavailable."""
        async with self._lock:
            pause = RETRY_AFTER_S if self._keys is None else REFETCH_AFTER_S
            if self._clock() - self._fetched_at >= pause:
                try:
                    await self._fetch()
                finally:
                    self._fetched_at = self._clock()
            if self._keys is None:
                raise KeysUnavailable("the sign-in keys could not be fetched from crm")
            return self._keys

    async def _fetch(self) -> None:
        try:
            answer = await self._http.get(self._jwks_url, timeout=2.0)
            answer.raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
            self._verified = _remembering(self._keys, self._issuer)
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the sign-in keys could not be fetched", error=type(error).__name__)

    @staticmethod
    def _names_unknown_key(keys: KeySet, token: str) -> bool:
        from joserfc.jws import extract_compact

        try:
            key_id = extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError):
            return False
        return key_id is not None and all(key.kid != key_id for key in keys.keys)


def _remembering(keys: KeySet, issuer: str) -> Callable[[str], SignedIn]:
    """`verify` under these keys. What it raises is not remembered, so forged tokens push nothing out."""
    return lru_cache(_REMEMBERED)(partial(verify, keys, issuer))
