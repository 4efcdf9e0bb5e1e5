"""OAuth 2.1 for the extension and the command line: code with PKCE, refresh rotation, revocation."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.sign_ins import SignIns
from services.crm.model.accounts import User
from services.crm.model.sign_ins import (
    AuthorizationCode,
    AuthorizationRequest,
    RefreshFamily,
    Session,
    TokenPair,
)
from services.crm.problems import UNTRUSTED_CLIENT
from services.crm.rules.oauth import (
    CLIENT_ID,
    PROMPTS,
    Asked,
    Step,
    challenge_valid,
    next_step,
    redirect_allowed,
    verifier_valid,
)
from services.crm.rules.secrets import hash_of, new_secret, pkce_challenge
from services.crm.store.grants import Grants
from services.crm.store.identities import Codes, Families, Rotation
from shared.auth.tokens import LIFETIME, SignedIn
from shared.events.ids import new_id
from shared.http.problems import Problem

CODE_LIFETIME = timedelta(seconds=60)
FAMILY_LIFETIME = timedelta(days=30)  # since the last refresh


class OAuthError(Exception):
    """An error of RFC 6749, section 5.2: the client reads `error`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class OAuth:
    """The authorization server."""

    def __init__(
        self,
        codes: Codes,
        families: Families,
        grants: Grants,
        sign_ins: SignIns,
        extension_ids: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self._codes = codes
        self._families = families
        self._grants = grants
        self._sign_ins = sign_ins
        self._extension_ids = extension_ids
        self._clock = clock

    def check(self, asked: Asked) -> None:
        """Problem 400 where the client can't be trusted (never redirect then); OAuthError to redirect."""
        request = asked.request
        if request.client_id != CLIENT_ID:
            raise Problem(UNTRUSTED_CLIENT, "`client_id` is not known here.")
        if not redirect_allowed(request.redirect_uri, self._extension_ids):
            raise Problem(UNTRUSTED_CLIENT, "`redirect_uri` is none of this client's.")
        if asked.response_type != "code":
            raise OAuthError("unsupported_response_type", "only `code`")
        if asked.challenge_method != "S256" or not challenge_valid(request.code_challenge):
            raise OAuthError("invalid_request", "PKCE with S256 is needed")
        if asked.prompt not in PROMPTS:
            raise OAuthError("invalid_request", "`prompt` is `login` or `select_account`")

    async def step(self, session: Session | None, asked: Asked) -> tuple[Step, User | None]:
        """What the request leads to, and the user of the browser's session. Check first."""
        user = await self._sign_ins.user_of(session)
        granted = user is not None and await self._granted(user, asked.request)
        return next_step(asked, user, granted=granted), user

    async def _granted(self, user: User, request: AuthorizationRequest) -> bool:
        return await self._grants.given(user.account_id, user.id, request.client_id, request.redirect_uri)

    async def grant(self, user: User, asked: Asked) -> str:
        """Where to send the browser of a user who agrees: the redirect address with a fresh code. Check
        first; from now on the user is not asked again about this client at this address."""
        secret, request = new_secret(), asked.request
        code = AuthorizationCode(
            account_id=user.account_id,
            user_id=user.id,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            family_id=new_id(),
            expires_at=self._clock() + CODE_LIFETIME,
        )
        await self._codes.add(user.account_id, code, hash_of(secret))
        await self._grants.give(user.account_id, user.id, request.client_id, request.redirect_uri)
        return answer_address(request, {"code": secret})

    async def exchange(self, client_id: str, code: str, redirect_uri: str, verifier: str) -> TokenPair:
        """A code for the first tokens of a sign-in. A code that comes twice ends that sign-in."""
        taken = await self._codes.take(hash_of(code))
        if taken is None:
            raise OAuthError("invalid_grant", "the code is not valid")
        known, first_use = taken
        if not first_use:
            await self._sign_ins.revoke_family(known.account_id, known.user_id, known.family_id)
            raise OAuthError("invalid_grant", "the code was used before")
        if known.expires_at <= self._clock():
            raise OAuthError("invalid_grant", "the code has expired")
        if (client_id, redirect_uri) != (known.client_id, known.redirect_uri):
            raise OAuthError("invalid_grant", "the code was given to another client or address")
        if not verifier_valid(verifier) or pkce_challenge(verifier) != known.code_challenge:
            raise OAuthError("invalid_grant", "the verifier does not match")
        return await self._begin(known, hash_of(code))

    async def _begin(self, code: AuthorizationCode, code_hash: str) -> TokenPair:
        now, secret = self._clock(), new_secret()
        family = RefreshFamily(
            id=code.family_id,
            account_id=code.account_id,
            user_id=code.user_id,
            client_id=code.client_id,
            expires_at=now + FAMILY_LIFETIME,
        )
        await self._families.add(code.account_id, family, hash_of(secret))
        if await self._codes.reused(code_hash):  # meanwhile, before there was a sign-in to end
            await self._sign_ins.revoke_family(code.account_id, code.user_id, code.family_id)
            raise OAuthError("invalid_grant", "the code was used before")
        return await self._pair(family, secret)

    async def refresh(self, client_id: str, refresh_token: str) -> TokenPair:
        """New tokens for the newest refresh token. One that was spent before ends the sign-in."""
        family_id, secret = _parts(refresh_token)
        held = await self._families.holding(family_id, hash_of(secret))
        if held is None or held.client_id != client_id:
            raise OAuthError("invalid_grant", "the refresh token is not valid")
        now, following = self._clock(), new_secret()
        outcome, family = await self._families.rotate(
            family_id, hash_of(secret), hash_of(following), now, now + FAMILY_LIFETIME
        )
        if outcome is Rotation.SPENT:
            await self._sign_ins.revoke_family(held.account_id, held.user_id, held.id)
            raise OAuthError("invalid_grant", "the refresh token was used before; sign in again")
        if family is None:
            raise OAuthError("invalid_grant", "the refresh token is not valid")
        return await self._pair(family, following)

    async def revoke(self, token: str) -> None:
        """End the sign-in of a refresh token (RFC 7009); what is none of ours is no error."""
        try:
            family_id, secret = _parts(token)
        except OAuthError:
            return
        held = await self._families.holding(family_id, hash_of(secret))
        if held is not None:
            await self._sign_ins.revoke_family(held.account_id, held.user_id, held.id)

    async def _pair(self, family: RefreshFamily, secret: str) -> TokenPair:
        user = await self._sign_ins.user(family.account_id, family.user_id)
        expires_at = min(self._clock() + LIFETIME, family.expires_at)
        who = SignedIn(user.id, user.account_id, user.role, family.id, expires_at)
        token = self._sign_ins.issue(who)
        return TokenPair(
            access_token=token.access_token,
            expires_in=token.expires_in,
            refresh_token=f"{family.id.hex}.{secret}",
        )


def answer_address(asked: AuthorizationRequest, answer: dict[str, str]) -> str:
    """The redirect address with the answer and the client's state."""
    if asked.state is not None:
        answer = {**answer, "state": asked.state}
    joint = "&" if "?" in asked.redirect_uri else "?"
    return f"{asked.redirect_uri}{joint}{urlencode(answer)}"


def _parts(token: str) -> tuple[UUID, str]:
    family, _, secret = token.partition(".")
    if len(family) != 32 or not secret:
        raise OAuthError("invalid_grant", "the refresh token is not valid")
    try:
        return UUID(family), secret
    except ValueError:
        raise OAuthError("invalid_grant", "the refresh token is not valid") from None
