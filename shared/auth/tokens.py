"""Access tokens: short-lived JWTs (ES256), signed by crm, verified from its JWKS.

Claims: `iss` (crm's public address), `aud` "kaifu", `sub` user, `acc` account, `role`, `sid` the
sign-in that it belongs to, `iat`, `exp`. Lifetime 10 minutes; revoking a sign-in stops its renewal
at once, closes its sockets at once, and its last token runs out. One that was got for an API token has
`aud` "kaifu-api", so that only who knows of scopes takes it, and `scope`, as in RFC 8693.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

AUDIENCE = "kaifu"
API_AUDIENCE = "kaifu-api"
LIFETIME = timedelta(minutes=10)
ALGORITHM = "ES256"


class Role(StrEnum):
    """What a user may do; `super_admin` may change account-wide settings."""

    REP = "rep"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The verified bearer of an access token."""

    user_id: UUID
    account_id: UUID
    role: Role
    sign_in_id: UUID
    expires_at: datetime
    # Set by `verify`: a revocation of all of a user's sign-ins ends the tokens issued before it.
    issued_at: datetime | None = field(default=None, compare=False)
    # Of an API token; None: a person, who may do what the role allows.
    scopes: frozenset[str] | None = None


class InvalidAccessToken(ValueError):
    """Not a token of ours."""


class ExpiredAccessToken(InvalidAccessToken):
    """A token of ours that is over; refresh it."""


def issue(keys: KeySet, issuer: str, who: SignedIn) -> str:
    """Sign an access token with the first key of the set (crm only: it has the private keys)."""
    key = keys.keys[0]
    scope = {} if who.scopes is None else {"scope": " ".join(sorted(who.scopes))}
    claims = {
        "iss": issuer,
        "aud": AUDIENCE if who.scopes is None else API_AUDIENCE,
        **scope,
        "sub": str(who.user_id),
        "acc": str(who.account_id),
        "role": who.role.value,
        "sid": str(who.sign_in_id),
        "iat": int(datetime.now(UTC).timestamp()),
        "exp": int(who.expires_at.timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key)


def verify(keys: KeySet, issuer: str, token: str, now: datetime | None = None) -> SignedIn:
    """Who bears the token. Raises ExpiredAccessToken or InvalidAccessToken."""
    moment = int((now or datetime.now(UTC)).timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=moment,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "values": [AUDIENCE, API_AUDIENCE]},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
        registry.validate(decoded.claims)
        claims = decoded.claims
        return SignedIn(
            user_id=UUID(claims["sub"]),
            account_id=UUID(claims["acc"]),
            role=Role(claims["role"]),
            sign_in_id=UUID(claims["sid"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            scopes=_scopes(claims),
        )
    except ExpiredTokenError:
        raise ExpiredAccessToken("the sign-in has expired") from None
    except (JoseError, ValueError, KeyError, TypeError):
        raise InvalidAccessToken("not an access token of this server") from None


def _scopes(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """Raises KeyError for a token of an API token that does not say what it allows."""
    return frozenset(str(claims["scope"]).split()) if claims["aud"] != AUDIENCE else None
