"""Signing in and out."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.crm.problems import TOO_MANY_ATTEMPTS, WRONG_PASSWORD
from services.crm.rules.oauth import asked_by
from services.crm.web import security
from services.crm.web.clients import client_of, form_targets
from services.crm.web.desk import SESSION_COOKIE, Anyone, ChangingPage, Visit
from services.crm.web.words import gettext
from shared.http.problems import Problem

router = APIRouter()
FORM_COOKIE = "kaifu_sign_in"
_FAULTS = {
    WRONG_PASSWORD: gettext("That address and password do not match."),
    TOO_MANY_ATTEMPTS: gettext("Too many attempts. Try again in a quarter of an hour."),
}
_SEE_OTHER = 303


@router.get("/")
async def root() -> Response:
    """The feed is the first page."""
    return RedirectResponse(security.HOME, _SEE_OTHER)


@router.get("/sign-in")
async def form(visit: Anyone, next_: Annotated[str | None, Query(alias="next")] = None) -> Response:
    """The form; whoever is signed in already goes on at once, unless a client asks for the password."""
    target = security.local_path(next_)
    asked = asked_by(target)
    if visit.visitor is not None and (asked is None or asked.prompt != "login"):
        return RedirectResponse(target, _SEE_OTHER)
    return _form(visit, target, address=asked.login_hint if asked else "")


@router.post("/sign-in")
async def sign_in(
    visit: Anyone,
    address: Annotated[str, Form(max_length=320)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    csrf_token: Annotated[str, Form()] = "",
    next_: Annotated[str | None, Form(alias="next")] = None,
) -> Response:
    """Check the password. The form's token proves that the form was ours (no sign-in forced on others).

    A client that waits for a code gets it at once: the password is the yes. Where somebody is signed in on
    these pages already, that stays so; the client's sign-in is apart from it.
    """
    security.check_origin(visit.request, visit.desk.addresses.app_url)
    security.check_token(csrf_token, visit.request.cookies.get(FORM_COOKIE))
    target = security.local_path(next_)
    client = security.client_address(visit.request, visit.desk.trusted_proxies)
    try:
        user = await visit.desk.application.sign_ins.identify(address.strip(), password, client)
    except Problem as problem:
        if problem.problem not in _FAULTS:
            raise
        return _form(visit, target, problem, address)
    asked = client_of(visit, target)
    lead_to = await visit.desk.application.oauth.grant(user, asked) if asked else target
    answer = security.uncached(RedirectResponse(lead_to, _SEE_OTHER))
    if asked is None or visit.visitor is None:
        opened = await visit.desk.application.sign_ins.open_session(user)
        session = opened.session
        lifetime_s = int((session.expires_at - session.created_at).total_seconds())
        set_cookie(answer, visit, SESSION_COOKIE, opened.cookie.get_secret_value(), lifetime_s)
    answer.delete_cookie(FORM_COOKIE)
    return answer


@router.post("/sign-out")
async def sign_out(visit: ChangingPage) -> Response:
    """End the session here and now."""
    await visit.desk.application.sign_ins.sign_out(visit.visitor.session)
    answer = RedirectResponse("/sign-in", _SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


def _form(visit: Visit, target: str, problem: Problem | None = None, address: str = "") -> Response:
    token = visit.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    answer = visit.page(
        "sign_in.html",
        status_code=int(problem.problem.status) if problem else 200,
        form_targets=form_targets(target),
        form_token=token,
        next=target,
        address=address,
        client=client_of(visit, target) is not None,
        stays=visit.visitor is not None,
        fault=_FAULTS[problem.problem] if problem else None,
    )
    answer.headers.update(problem.headers if problem else {})
    set_cookie(answer, visit, FORM_COOKIE, token)
    return answer


def set_cookie(answer: Response, visit: Visit, name: str, value: str, lifetime_s: int | None = None) -> None:
    """A cookie that only our pages get; for the session of the browser unless a lifetime is given."""
    answer.set_cookie(
        name, value, max_age=lifetime_s, httponly=True, samesite="lax", secure=visit.desk.secure, path="/"
    )
