"""Where an invited user, or one who has lost the password, chooses one. For whoever holds the link."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.crm.model.accounts import User
from services.crm.problems import ADDRESS_IN_USE
from services.crm.rules.passwords import LONGEST, SHORTEST
from services.crm.web import security
from services.crm.web.desk import Anyone, Visit
from services.crm.web.sign_in import FORM_COOKIE, set_cookie
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/welcome")
_SEE_OTHER = 303


@router.get("/{token}")
async def form(visit: Anyone, token: str) -> Response:
    """The form; 410 for a link that is spent or over."""
    return _form(visit, await visit.desk.application.users.linked(token))


@router.post("/{token}")
async def choose(
    visit: Anyone,
    token: str,
    password: Annotated[str, Form(max_length=LONGEST)] = "",
    csrf_token: Annotated[str, Form()] = "",
) -> Response:
    """Set the password; then it is used to sign in, which shows that the user knows it. A newcomer's language
    is the browser's, whoever is signed in there; it stays the inviter's where that is none of ours."""
    security.check_origin(visit.request, visit.desk.addresses.app_url)
    security.check_token(csrf_token, visit.request.cookies.get(FORM_COOKIE))
    try:
        await visit.desk.application.users.choose_password(token, password, visit.browsers_language)
    except Problem as problem:
        if problem.problem not in {INVALID, ADDRESS_IN_USE}:
            raise
        who = await visit.desk.application.users.linked(token)
        return _form(visit, who, problem=problem)
    answer = security.uncached(RedirectResponse("/sign-in", _SEE_OTHER))
    answer.delete_cookie(FORM_COOKIE)
    return answer


def _form(visit: Visit, who: User, *, problem: Problem | None = None) -> Response:
    token = visit.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    answer = visit.page(
        "welcome.html",
        status_code=int(problem.problem.status) if problem else 200,
        who=who,
        fault=problem is not None and problem.problem is INVALID,
        in_use=problem is not None and problem.problem is ADDRESS_IN_USE,
        least=SHORTEST,
        form_token=token,
    )
    set_cookie(answer, visit, FORM_COOKIE, token)
    return answer
