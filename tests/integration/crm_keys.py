"""A crm that the tests of other services play: it signs people in and publishes the keys that verify it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import ECKey, KeySet

from deploy.local.ports import free_port
from shared.auth.tokens import Role, SignedIn, issue
from tests.integration.serving import serving


class Crm:
    """Signs people in and publishes the keys that verify it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._keys = KeySet([ECKey.generate_key("P-256", auto_kid=True)])

    def signs_in(self, user: UUID, sign_in: UUID | None = None, lasts_s: float = 600) -> str:
        """An access token."""
        expires = datetime.now(UTC) + timedelta(seconds=lasts_s)
        return issue(self._keys, self.address, SignedIn(user, uuid4(), Role.REP, sign_in or uuid4(), expires))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["path"] == "/.well-known/jwks.json"
        body = json.dumps(self._keys.as_dict(private=False)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Crm"]:
        """Listen while the block runs."""
        async with serving(self, self.port):
            yield self
