"""What ingest needs of crm: sign-in keys and the directory, on loopback."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc.jwk import ECKey, KeySet

from shared.auth.tokens import Role, SignedIn, issue
from shared.directory.contract import Policy, PreparedMessage
from tests.loopback import Asked, loopback, response

ACCOUNT = UUID(int=0xA)
USER = UUID(int=0xB)


class CrmStandIn:
    """Signs tokens and tracks whatever is asked."""

    def __init__(self) -> None:
        self.address = ""
        self._keys = KeySet([ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})])

    def token(self, account_id: UUID = ACCOUNT) -> str:
        """An access token of a rep."""
        who = SignedIn(USER, account_id, Role.REP, UUID(int=9), datetime.now(UTC) + timedelta(minutes=10))
        return issue(self._keys, self.address, who)

    async def answer(self, asked: Asked) -> list[bytes | float]:
        """One request."""
        if "jwks.json" in asked.line:
            return response(200, json.dumps(self._keys.as_dict(private=False)).encode())
        message = PreparedMessage.model_validate_json(asked.body)
        policy = Policy(
            tracked=message.track,
            untracked_reason=None if message.track else "not_asked",
            logged=message.log,
            unlogged_reason=None if message.log else "not_asked",
            anonymous=False,
            policy_version=1,
            prepared_at=message.prepared_at,
        )
        return response(200, policy.model_dump_json().encode())


@asynccontextmanager
async def crm_stand_in() -> AsyncIterator[CrmStandIn]:
    """It, listening."""
    crm = CrmStandIn()
    async with loopback(crm.answer) as served:
        crm.address = served.address
        yield crm
