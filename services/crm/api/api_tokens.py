"""API tokens of the account, for super admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked, Name
from services.crm.application.api_tokens import LONGEST_DAYS
from services.crm.model.api_tokens import ApiToken
from shared.auth.scopes import Scope
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/api-tokens", tags=["users"])


class TokenAsked(Asked):
    """A token to make. It acts as its maker within the scopes, for so many days."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 90


class ApiTokens(BaseModel):
    """The newest first, those that are over too."""

    tokens: list[ApiToken]


class MadeToken(BaseModel):
    """The token, and the secret to send as `Authorization: Bearer`, shown this once."""

    token: ApiToken
    secret: str


@router.get("", responses=problems(FORBIDDEN))
async def api_tokens(crm: Crm, who: Who) -> ApiTokens:
    """All API tokens of the account, without their secrets."""
    return ApiTokens(tokens=await crm.api_tokens.all(who))


@router.post("", status_code=201, responses=problems(FORBIDDEN, INVALID, MALFORMED, TOO_LARGE))
async def make(crm: Crm, who: Who, asked: TokenAsked) -> MadeToken:
    """Make a token. crm takes it as it is; for the send API get an access token for it at `/oauth/token`."""
    made = await crm.api_tokens.make(who, asked.name, asked.scopes, asked.days)
    return MadeToken(token=made.token, secret=made.secret.get_secret_value())


@router.delete("/{id}", status_code=204, responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def revoke(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002 - the name in the address
    """Revoke a token, at once: with access tokens that were got for it nothing is read or prepared any more.
    What became of mail that was prepared before can be reported for ten minutes."""
    await crm.api_tokens.revoke(who, id)
