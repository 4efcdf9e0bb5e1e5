"""Settings › API tokens, for super admins (A6)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.crm.model.api_tokens import NewApiToken
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext
from shared.auth.scopes import Scope
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/settings/api-tokens")
LIFETIMES_DAYS = (30, 90, 180, 366)
_DEFAULT_DAYS = 90
_FAULT = gettext("A token needs a name and at least one scope; an account has at most 100 tokens.")


@router.get("")
async def tokens(visit: SignedInPage) -> Response:
    """All tokens, and the form to make one."""
    return await _page(visit, "settings_api_tokens.html")


@router.post("")
async def make(
    visit: ChangingPage,
    name: Annotated[str, Form(max_length=256)] = "",
    scopes: Annotated[list[Scope] | None, Form()] = None,
    days: Annotated[int, Form()] = _DEFAULT_DAYS,
) -> Response:
    """Make a token; its secret is shown this once."""
    who, chosen = visit.visitor.as_signed_in(), scopes or []
    try:
        made = await visit.desk.application.api_tokens.make(who, name, chosen, days)
    except Problem as problem:
        if problem.problem is not INVALID:
            raise
        return await _page(visit, _part(visit), fault=_FAULT, name=name, chosen=chosen, days=days)
    return await _page(visit, _part(visit), made=made)


@router.post("/{token_id}/revoke")
async def revoke(visit: ChangingPage, token_id: UUID) -> Response:
    """It opens nothing any more."""
    await visit.desk.application.api_tokens.revoke(visit.visitor.as_signed_in(), token_id)
    return await _page(visit, _part(visit))


def _part(visit: SignedInVisit) -> str:
    """The part alone for htmx, the page without script."""
    scripted = visit.request.headers.get("hx-request") == "true"
    return "_api_tokens.html" if scripted else "settings_api_tokens.html"


async def _page(
    visit: SignedInVisit,
    template: str,
    made: NewApiToken | None = None,
    fault: str | None = None,
    name: str = "",
    chosen: list[Scope] | None = None,
    days: int = _DEFAULT_DAYS,
) -> Response:
    who = visit.visitor.as_signed_in()
    found = await visit.desk.application.api_tokens.all(who)
    names = {user.id: user.name for user in await visit.desk.application.accounts.users(who.account_id)}
    return visit.page(
        template,
        tokens=found,
        names=names,
        now=visit.desk.now(),
        made=made,
        secret=made.secret.get_secret_value() if made else "",
        fault=fault,
        name=name,
        chosen=chosen or [],
        days=days,
        lifetimes=LIFETIMES_DAYS,
    )
