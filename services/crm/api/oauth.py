"""OAuth 2.1 and the keys that verify access tokens."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse

from services.crm.api.dependencies import Crm, MaybeSession
from services.crm.application.oauth import OAuthError, answer_address
from services.crm.collaborators import Collaborators
from services.crm.model.api_tokens import ApiAccess
from services.crm.model.base import Model
from services.crm.model.sign_ins import TokenPair
from services.crm.problems import UNTRUSTED_CLIENT
from services.crm.rules.oauth import AUTHORIZE, Step, asked_by
from shared.auth.scopes import Scope
from shared.auth.tokens import InvalidAccessToken
from shared.http.fastapi import responses
from shared.http.problems import INVALID, NOT_SIGNED_IN, TOO_MANY_REQUESTS, UNAVAILABLE

router = APIRouter(tags=["sign-in"])
Parameter = Annotated[str, Query(max_length=2000)]
LoginHint = Annotated[str, Query(max_length=320, description="the mail account that the sign-in is for")]
Prompt = Annotated[
    str,
    Query(max_length=20, description="`login`: ask for the password; `select_account`: ask the user; always"),
]
Field_ = Annotated[str, Form(max_length=4096)]
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthErrorBody(Model):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str


_REFUSALS: dict[int | str, dict[str, Any]] = {
    **responses(NOT_SIGNED_IN, INVALID, TOO_MANY_REQUESTS, UNAVAILABLE),
    400: {"model": OAuthErrorBody, "description": "RFC 6749, section 5.2"},
}


def oauth_error(_: Request, error: Exception) -> JSONResponse:
    """The token endpoint's way to refuse."""
    assert isinstance(error, OAuthError)
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, status_code=400, headers=_NO_STORE)


@router.get("/.well-known/jwks.json")
async def jwks(crm: Crm) -> dict[str, Any]:
    """The public keys of access tokens."""
    return dict(crm.configuration.signing_keys.as_dict(private=False))


@router.get("/.well-known/oauth-authorization-server")
async def metadata(crm: Crm) -> dict[str, Any]:
    """RFC 8414, and where Kaifu's other parts are: a client is told one address only."""
    addresses = crm.configuration.addresses
    issuer = addresses.app_url
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "scopes_supported": [scope.value for scope in Scope],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "kaifu_api_url": addresses.api_url,
        "kaifu_tracking_url": addresses.tracking_url,
        "kaifu_push_url": addresses.push_url,
    }


@router.get(
    "/oauth/authorize",
    response_class=RedirectResponse,
    status_code=303,
    responses=responses(UNTRUSTED_CLIENT, INVALID, UNAVAILABLE),
)
async def authorize(
    crm: Crm,
    request: Request,
    session: MaybeSession,
    client_id: Parameter = "",
    redirect_uri: Parameter = "",
    response_type: Parameter = "",
    code_challenge: Parameter = "",
    code_challenge_method: Parameter = "",
    state: Annotated[str | None, Query(max_length=2000)] = None,
    login_hint: LoginHint = "",
    prompt: Prompt = "",
) -> RedirectResponse:
    """To the client with a code; first to the sign-in page if nobody is signed in, and first to a question
    if it is not clear that whoever is signed in wants that: the user has not let this client in before, or
    the mail account that it names is not one of the user's."""
    target = f"{AUTHORIZE}?{request.url.query}"
    asked = asked_by(target)
    assert asked is not None
    try:
        crm.oauth.check(asked)
    except OAuthError as error:
        answer = {"error": error.error, "error_description": error.description}
        return RedirectResponse(answer_address(asked.request, answer), 303, _NO_STORE)
    step, user = await crm.oauth.step(session, asked)
    if step is Step.GRANT and user is not None:
        return RedirectResponse(await crm.oauth.grant(user, asked), 303, _NO_STORE)
    page = "/allow" if step is Step.ASK else "/sign-in"
    return RedirectResponse(f"{page}?next={quote(target, safe='')}", 303, _NO_STORE)


@router.post("/oauth/token", responses=_REFUSALS)
async def token(
    crm: Crm,
    grant_type: Field_ = "",
    client_id: Field_ = "",
    code: Field_ = "",
    redirect_uri: Field_ = "",
    code_verifier: Field_ = "",
    refresh_token: Field_ = "",
    client_secret: Field_ = "",
) -> JSONResponse:
    """Tokens for a code, new tokens for a refresh token (which is spent by that), or an access token for an
    API token (`client_credentials`, the API token as `client_secret`), which the send API takes too."""
    if grant_type == "client_credentials":
        return JSONResponse((await _api_access(crm, client_secret)).model_dump(), headers=_NO_STORE)
    if grant_type == "authorization_code":
        pair = await crm.oauth.exchange(client_id, code, redirect_uri, code_verifier)
    elif grant_type == "refresh_token":
        pair = await crm.oauth.refresh(client_id, refresh_token)
    else:
        raise OAuthError("unsupported_grant_type", "authorization_code, refresh_token or client_credentials")
    return JSONResponse(pair.model_dump(), headers=_NO_STORE)


async def _api_access(crm: Collaborators, secret: str) -> ApiAccess:
    try:
        return await crm.api_tokens.access(secret)
    except InvalidAccessToken:
        raise OAuthError("invalid_client", "the API token is not valid") from None


@router.post("/oauth/revoke", responses=_REFUSALS)
async def revoke(crm: Crm, token: Field_ = "") -> dict[str, Any]:
    """End the sign-in that a refresh token belongs to (RFC 7009)."""
    await crm.oauth.revoke(token)
    return {}


_REFUSALS[200] = {"model": TokenPair | ApiAccess}
