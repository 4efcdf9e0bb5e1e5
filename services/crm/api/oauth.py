"""OAuth 2.1 and the keys that verify access tokens."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse

from services.crm.api.dependencies import Crm, MaybeSession
from services.crm.application.oauth import OAuthError, answer_address
from services.crm.model.base import Model
from services.crm.model.sign_ins import AuthorizationRequest, TokenPair
from services.crm.problems import UNTRUSTED_CLIENT
from shared.http.fastapi import responses
from shared.http.problems import INVALID, NOT_SIGNED_IN, UNAVAILABLE

router = APIRouter(tags=["sign-in"])
Parameter = Annotated[str, Query(max_length=2000)]
Field_ = Annotated[str, Form(max_length=4096)]
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthErrorBody(Model):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str


_REFUSALS: dict[int | str, dict[str, Any]] = {
    **responses(NOT_SIGNED_IN, INVALID, UNAVAILABLE),
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
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
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
) -> RedirectResponse:
    """To the client with a code; to the sign-in page first if nobody is signed in."""
    asked = AuthorizationRequest(
        client_id=client_id, redirect_uri=redirect_uri, code_challenge=code_challenge, state=state
    )
    try:
        crm.oauth.check(asked, response_type, code_challenge_method)
    except OAuthError as error:
        answer = {"error": error.error, "error_description": error.description}
        return RedirectResponse(answer_address(asked, answer), 303, _NO_STORE)
    if session is None:
        back = quote(f"/oauth/authorize?{request.url.query}", safe="")
        return RedirectResponse(f"/sign-in?next={back}", 303, _NO_STORE)
    return RedirectResponse(await crm.oauth.grant(session, asked), 303, _NO_STORE)


@router.post("/oauth/token", responses=_REFUSALS)
async def token(
    crm: Crm,
    grant_type: Field_ = "",
    client_id: Field_ = "",
    code: Field_ = "",
    redirect_uri: Field_ = "",
    code_verifier: Field_ = "",
    refresh_token: Field_ = "",
) -> JSONResponse:
    """Tokens for a code, or new tokens for a refresh token (which is spent by that)."""
    if grant_type == "authorization_code":
        pair = await crm.oauth.exchange(client_id, code, redirect_uri, code_verifier)
    elif grant_type == "refresh_token":
        pair = await crm.oauth.refresh(client_id, refresh_token)
    else:
        raise OAuthError("unsupported_grant_type", "authorization_code or refresh_token")
    return JSONResponse(pair.model_dump(), headers=_NO_STORE)


@router.post("/oauth/revoke", responses=_REFUSALS)
async def revoke(crm: Crm, token: Field_ = "") -> dict[str, Any]:
    """End the sign-in that a refresh token belongs to (RFC 7009)."""
    await crm.oauth.revoke(token)
    return {}


_REFUSALS[200] = {"model": TokenPair}
