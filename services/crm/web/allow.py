"""Asking whoever is signed in whether a client may sign in as them: never silently."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.crm.rules.oauth import is_program, with_prompt
from services.crm.web import security
from services.crm.web.clients import client_of, form_targets
from services.crm.web.desk import ChangingPage, SignedInPage

router = APIRouter()
_SEE_OTHER = 303


@router.get("/allow")
async def form(visit: SignedInPage, next_: Annotated[str, Query(alias="next")] = "") -> Response:
    """Who asks, as whom, for which Gmail account. What is no good request leads to where that is said."""
    target = security.local_path(next_)
    asked = client_of(visit, target)
    if asked is None:
        return RedirectResponse(target, _SEE_OTHER)
    return visit.page(
        "allow.html",
        form_targets=form_targets(target),
        next=target,
        hint=asked.login_hint,
        program=is_program(asked.request.redirect_uri),
        other=f"/sign-in?next={quote(with_prompt(target, 'login'), safe='')}",
    )


@router.post("/allow")
async def allow(visit: ChangingPage, next_: Annotated[str, Form(alias="next")] = "") -> Response:
    """The yes: to the client with a code."""
    target = security.local_path(next_)
    asked = client_of(visit, target)
    if asked is None:
        return RedirectResponse(target, _SEE_OTHER)
    code = await visit.desk.application.oauth.grant(visit.visitor.user, asked)
    return security.uncached(RedirectResponse(code, _SEE_OTHER))
