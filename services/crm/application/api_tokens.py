"""API tokens of an account (A6): made and revoked by super admins; each acts as its maker within its scopes.

Whoever leaves takes the tokens along: they are refused from then on.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import SecretStr

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.roles import Roles
from services.crm.application.sign_ins import SignIns
from services.crm.model.api_tokens import ApiAccess, ApiToken, NewApiToken
from services.crm.model.audit import AuditValue
from services.crm.rules.secrets import hash_of, new_secret
from services.crm.store.accounts import Users
from services.crm.store.api_tokens import ApiTokens
from services.crm.store.database import Database, Session
from shared.auth.scopes import Scope
from shared.auth.tokens import LIFETIME, InvalidAccessToken, SignedIn
from shared.events.ids import new_id
from shared.http.problems import INVALID, NOT_FOUND, TOO_MANY_REQUESTS, Problem
from shared.quota import Quota

PREFIX = "kaifu_"  # for scanners that look for secrets in code
MOST = 100  # of one account
LONGEST_DAYS = 366
REQUESTS_PER_S, REQUESTS_AT_ONCE = 10.0, 100
_NOTED_EVERY = timedelta(minutes=1)  # its last use
_HINT = 4


@dataclass(frozen=True, slots=True)
class TokenStores:
    """Where tokens are kept."""

    database: Database
    tokens: ApiTokens
    users: Users
    auditor: Auditor


class ApiTokenBook:
    """Every change stands in the audit log."""

    def __init__(self, stores: TokenStores, sign_ins: SignIns, roles: Roles, clock: Clock) -> None:
        self._stores = stores
        self._sign_ins = sign_ins
        self._roles = roles
        self._clock = clock
        self._quota: Quota[UUID] = Quota(REQUESTS_PER_S, REQUESTS_AT_ONCE)

    async def all(self, who: SignedIn) -> list[ApiToken]:
        """The newest first, those that are over too. Problem 403."""
        await self._roles.need_super_admin(who)
        found = await self._stores.tokens.all(who.account_id)
        return sorted(found, key=lambda token: token.created_at, reverse=True)

    async def make(self, who: SignedIn, name: str, scopes: Collection[Scope], days: int) -> NewApiToken:
        """A token for so many days; its secret is shown this once. Problem 403, 422."""
        await self._roles.need_super_admin(who)
        if not scopes or not name.strip() or not 1 <= days <= LONGEST_DAYS:
            raise Problem(INVALID, f"A token has a name, a scope and an end within {LONGEST_DAYS} days.")
        if len(await self._stores.tokens.all(who.account_id)) >= MOST:
            raise Problem(INVALID, f"An account has at most {MOST} tokens; revoke one first.")
        now, secret = self._clock(), PREFIX + new_secret()
        token = ApiToken(
            id=new_id(),
            user_id=who.user_id,
            name=name.strip(),
            scopes=tuple(scope for scope in Scope if scope in scopes),
            hint=secret[-_HINT:],
            created_at=now,
            expires_at=now + timedelta(days=days),
        )

        async def body(session: Session) -> None:
            await self._stores.tokens.add(who.account_id, token, hash_of(secret), session)
            after: dict[str, AuditValue] = {
                "token": token.name,
                "scopes": " ".join(token.scopes),
                "days": days,
            }
            await self._stores.auditor.note(who, Change("api_token.made", {}, after), session)

        await self._stores.database.in_transaction(body)
        return NewApiToken(token=token, secret=SecretStr(secret))

    async def revoke(self, who: SignedIn, token_id: UUID) -> None:
        """It opens nothing any more, at once. Problem 403, 404."""
        await self._roles.need_super_admin(who)

        async def body(session: Session) -> None:
            token = await self._stores.tokens.get(who.account_id, token_id, session)
            if token is None:
                raise Problem(NOT_FOUND, "No such token.")
            await self._stores.tokens.remove(who.account_id, token_id, session)
            await self._stores.auditor.note(who, Change("api_token.revoked", {"token": token.name}), session)

        await self._stores.database.in_transaction(body)

    async def verify(self, secret: str) -> SignedIn:
        """Who asks with a token: its maker, within its scopes. Raises InvalidAccessToken; Problem 429."""
        opened = await self._stores.tokens.opened_by(hash_of(secret))
        now = self._clock()
        if opened is None or opened[1].expires_at <= now:
            raise InvalidAccessToken("no API token of this server, or it is over or revoked")
        account_id, token = opened
        user = await self._stores.users.get(account_id, token.user_id)
        if user is None or user.disabled:
            raise InvalidAccessToken("its maker has left")
        self._admit(token)
        if token.last_used_at is None or now - token.last_used_at >= _NOTED_EVERY:
            await self._stores.tokens.used(account_id, token.id, now)
        scopes = frozenset(scope.value for scope in token.scopes)
        return SignedIn(user.id, account_id, user.role, token.id, token.expires_at, scopes=scopes)

    async def still_open(self, who: SignedIn) -> bool:
        """Whether the token of an access token that was got for it is still there, and its maker as then.
        Such a request counts as one of the token's. Problem 429."""
        token = await self._stores.tokens.get(who.account_id, who.sign_in_id)
        user = await self._stores.users.get(who.account_id, who.user_id)
        if token is None or user is None or user.disabled or user.role is not who.role:
            return False
        self._admit(token)
        return True

    async def access(self, secret: str) -> ApiAccess:
        """A short access token, which every service takes. Raises InvalidAccessToken; Problem 429."""
        who = await self.verify(secret)
        assert who.scopes is not None
        expires_at = min(self._clock() + LIFETIME, who.expires_at)
        lasting = SignedIn(
            who.user_id, who.account_id, who.role, who.sign_in_id, expires_at, scopes=who.scopes
        )
        issued = self._sign_ins.issue(lasting)
        return ApiAccess(
            access_token=issued.access_token,
            expires_in=issued.expires_in,
            scope=" ".join(sorted(who.scopes)),
        )

    def _admit(self, token: ApiToken) -> None:
        wait_s = self._quota.wait_s(token.id, time.monotonic())
        if wait_s > 0:
            raise Problem(
                TOO_MANY_REQUESTS,
                "This token asks for more than its share: slow down and try again.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )
