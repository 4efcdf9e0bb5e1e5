"""Where somebody who has forgotten the password asks for a link. The answer is the same for everybody."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.crm.problems import MAIL_NOT_SET_UP, TOO_MANY_LETTERS
from services.crm.rules.addresses import LONGEST
from services.crm.web import security
from services.crm.web.desk import Anyone, Visit
from services.crm.web.sign_in import FORM_COOKIE, set_cookie
from services.crm.web.words import gettext
from shared.http.problems import Problem

router = APIRouter(prefix="/forgotten")
_FAULTS = {
    TOO_MANY_LETTERS: gettext("Too many links were asked for. Try again later."),
    MAIL_NOT_SET_UP: gettext("This server has no mail relay."),
}


@router.get("")
async def form(visit: Anyone) -> Response:
    """The form, or whom to ask where nothing can be mailed."""
    return _page(visit)


@router.post("")
async def ask(
    visit: Anyone,
    address: Annotated[str, Form(min_length=1, max_length=LONGEST)],
    csrf_token: Annotated[str, Form()] = "",
) -> Response:
    """Mail a link, if somebody signs in with the address."""
    security.check_origin(visit.request, visit.desk.addresses.app_url)
    security.check_token(csrf_token, visit.request.cookies.get(FORM_COOKIE))
    client = security.client_address(visit.request, visit.desk.trusted_proxies)
    try:
        await visit.desk.application.post.forgot(address, client)
    except Problem as problem:
        if problem.problem not in _FAULTS:
            raise
        return _page(visit, problem=problem)
    return _page(visit, asked=True)


def _page(visit: Visit, *, asked: bool = False, problem: Problem | None = None) -> Response:
    token = visit.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    answer = visit.page(
        "forgotten.html",
        status_code=int(problem.problem.status) if problem else 200,
        form_token=token,
        asked=asked,
        mail_set_up=visit.desk.application.addresses.mail_set_up,
        fault=_FAULTS[problem.problem] if problem else None,
    )
    answer.headers.update(problem.headers if problem else {})
    set_cookie(answer, visit, FORM_COOKIE, token)
    return answer
