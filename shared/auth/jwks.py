"""crm's public keys, fetched over HTTP and kept.

A verifier goes on working while crm is away. An unknown key id triggers one fetch, at most every
ten seconds, so a flood of forged tokens does not become a flood of fetches.
"""

import asyncio
import time

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.auth.tokens import InvalidAccessToken, SignedIn, verify

REFETCH_AFTER_S = 10.0


class KeysUnavailable(RuntimeError):
    """crm has not been reached once since the start."""


class AccessTokenVerifier:
    """Verifies access tokens with keys from `<app>/.well-known/jwks.json`."""

    def __init__(self, http: httpx.AsyncClient, jwks_url: str, issuer: str) -> None:
        self._http = http
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._keys: KeySet | None = None
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
            return verify(keys, self._issuer, token)
        except InvalidAccessToken:
            if not self._names_unknown_key(keys, token):
                raise
            return verify(await self.fetch(), self._issuer, token)

    async def fetch(self) -> KeySet:
        """Fetch the keys, unless that was tried within the last ten seconds."""
        async with self._lock:
            if time.monotonic() - self._fetched_at >= REFETCH_AFTER_S or self._keys is None:
                self._fetched_at = time.monotonic()
                await self._fetch()
            if self._keys is None:
                raise KeysUnavailable("the sign-in keys could not be fetched from crm")
            return self._keys

    async def _fetch(self) -> None:
        try:
            answer = await self._http.get(self._jwks_url, timeout=2.0)
            answer.raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, JoseError, ValueError, KeyError):
            if self._keys is None:
                raise KeysUnavailable("the sign-in keys could not be fetched from crm") from None

    @staticmethod
    def _names_unknown_key(keys: KeySet, token: str) -> bool:
        from joserfc.jws import extract_compact

        try:
            key_id = extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError):
            return False
        return key_id is not None and all(key.kid != key_id for key in keys.keys)
