"""The `Authorization: Bearer` header of an HTTP request, as a problem or a signed-in user."""

from collections.abc import Collection
from typing import Protocol

from shared.auth.jwks import KeysUnavailable
from shared.auth.scopes import Scope
from shared.auth.tokens import ExpiredAccessToken, InvalidAccessToken, SignedIn
from shared.http.problems import NOT_SIGNED_IN, SCOPE_MISSING, SIGN_IN_EXPIRED, UNAVAILABLE, Problem


class Verifier(Protocol):
    """Tells who bears a token: `AccessTokenVerifier`, or crm with its own keys."""

    async def verify(self, token: str) -> SignedIn:
        """Raises InvalidAccessToken (or Expired…), KeysUnavailable."""


async def signed_in(
    verifier: Verifier, authorization: str | None, scopes: Collection[Scope] = ()
) -> SignedIn:
    """The bearer, or Problem 401 / 403 / 503 with `WWW-Authenticate` (RFC 6750).

    `scopes`: any of these lets an API token in; none are for persons only.
    """
    who = await _verified(verifier, authorization)
    if who.scopes is not None and who.scopes.isdisjoint(scopes):
        wanted = " ".join(sorted(scopes))
        header = f'Bearer error="insufficient_scope", scope="{wanted}"'
        said = f"It needs the scope {wanted}." if wanted else "This is for people who are signed in."
        raise Problem(SCOPE_MISSING, said, headers={"WWW-Authenticate": header})
    return who


async def _verified(verifier: Verifier, authorization: str | None) -> SignedIn:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            NOT_SIGNED_IN,
            "Send `Authorization: Bearer <access token>`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    try:
        return await verifier.verify(token)
    except ExpiredAccessToken:
        raise Problem(
            SIGN_IN_EXPIRED,
            "Refresh the access token and repeat the request.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        ) from None
    except InvalidAccessToken:
        raise Problem(
            NOT_SIGNED_IN,
            "The access token is not one of this server's.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        ) from None
    except KeysUnavailable:
        raise Problem(
            UNAVAILABLE, "Sign-ins can't be checked at the moment.", headers={"Retry-After": "2"}
        ) from None
