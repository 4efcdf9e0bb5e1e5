"""What routes ask for: the collaborators, the signed-in user, the page's session."""

import secrets
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.crm.application.api_tokens import PREFIX
from services.crm.application.paging import DEFAULT_LIMIT, MAX_LIMIT
from services.crm.collaborators import Collaborators
from services.crm.model.sign_ins import Session
from services.crm.problems import CSRF, INVALID_CURSOR, SERVICES_ONLY
from services.crm.rules.scopes import needed
from shared.auth.bearer import signed_in
from shared.auth.tokens import InvalidAccessToken, SignedIn, verify
from shared.http.fastapi import responses
from shared.http.problems import (
    INVALID,
    NOT_SIGNED_IN,
    SCOPE_MISSING,
    SIGN_IN_EXPIRED,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Problem,
    ProblemType,
)

COOKIE = "kaifu_session"
CSRF_HEADER = "X-CSRF-Token"
_BEARER = HTTPBearer(
    scheme_name="access_token", bearerFormat="JWT", auto_error=False, description="from /oauth/token"
)


def problems(*further: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route for signed-in users."""
    return responses(NOT_SIGNED_IN, SIGN_IN_EXPIRED, SCOPE_MISSING, TOO_MANY_REQUESTS, UNAVAILABLE, *further)


PAGE_PROBLEMS = (INVALID, INVALID_CURSOR)


def collaborators(request: Request) -> Collaborators:
    """crm's nouns."""
    found = request.app.state.collaborators
    assert isinstance(found, Collaborators)
    return found


Crm = Annotated[Collaborators, Depends(collaborators)]


class _OwnKeys:
    """Verifies with the keys that this process signs with; API tokens by what is stored of them."""

    def __init__(self, crm: Collaborators) -> None:
        self._configuration = crm.configuration
        self._api_tokens = crm.api_tokens

    async def verify(self, token: str) -> SignedIn:
        """Who bears the token."""
        if token.startswith(PREFIX):
            return await self._api_tokens.verify(token)
        who = verify(self._configuration.signing_keys, self._configuration.addresses.app_url, token)
        if who.scopes is not None and not await self._api_tokens.still_open(who):
            raise InvalidAccessToken("its API token was revoked")
        return who


async def bearer(
    request: Request, crm: Crm, given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> SignedIn:
    """The bearer of the access or API token, or Problem 401, 403 (no scope for this), 429."""
    header = None if given is None else f"{given.scheme} {given.credentials}"
    return await signed_in(_OwnKeys(crm), header, needed(request.method, request.url.path))


Who = Annotated[SignedIn, Depends(bearer)]


async def page_session(request: Request, crm: Crm) -> Session | None:
    """The session of the page's cookie, if it is good."""
    return await crm.sign_ins.session(request.cookies.get(COOKIE))


MaybeSession = Annotated[Session | None, Depends(page_session)]


async def reader(
    request: Request,
    crm: Crm,
    session: MaybeSession,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> SignedIn:
    """Who reads what a page links to: by access token, else by the page's cookie. Problem 401."""
    if given is not None or session is None:
        return await bearer(request, crm, given)
    user = await crm.sign_ins.user(session.account_id, session.user_id)
    return SignedIn(user.id, user.account_id, user.role, session.id, session.expires_at)


Reader = Annotated[SignedIn, Depends(reader)]


async def own_page(
    session: MaybeSession, token: Annotated[str, Header(alias=CSRF_HEADER, include_in_schema=False)] = ""
) -> Session:
    """The session of a request that one of our pages made by script. Problem 401, 403."""
    if session is None:
        raise Problem(NOT_SIGNED_IN, "Sign in on the page first.")
    check_csrf(session, token)
    return session


def check_csrf(session: Session, token: str) -> None:
    """Problem 403 unless the token is the session's: another site knows the cookie's effect, not this."""
    if not secrets.compare_digest(token.encode(), session.csrf_token.encode()):
        raise Problem(CSRF, "Load the page again and repeat.")


def internal_service(crm: Crm, authorization: Annotated[str, Header()] = "") -> None:
    """Problem 401 unless the caller knows the services' token."""
    expected = f"Bearer {crm.configuration.directory.token.get_secret_value()}"
    if not secrets.compare_digest(authorization.encode(), expected.encode()):
        raise Problem(SERVICES_ONLY, "Send the services' token.", headers={"WWW-Authenticate": "Bearer"})


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="rows of a page")]
After = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]
A_PAGE = DEFAULT_LIMIT
