"""All pages as one app, for whatever the API does not answer; what is not there is said in HTML."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.crm.model.failures import DatabaseAway
from services.crm.rules.never_log import MAX_ENTRIES
from services.crm.web import (
    accuracy,
    allow,
    api_tokens,
    assets,
    editing,
    feed,
    forgotten,
    imports,
    legal_bases,
    lists,
    mail,
    mail_associations,
    notifications,
    own_addresses,
    profile,
    records,
    retention,
    settings,
    sign_in,
    users,
    webhooks,
    welcome,
)
from services.crm.web.application import PagesApplication
from services.crm.web.desk import Desk, SignInNeeded, Visit, environments, visit
from services.crm.web.security import Forged
from shared.http.fastapi import UNOBSERVED, answer
from shared.http.problems import FORBIDDEN, METHOD_NOT_ALLOWED, NOT_FOUND, NOT_SIGNED_IN, Problem
from shared.settings import PublicAddresses

log = structlog.get_logger(__name__)
_MOST_FIELDS = MAX_ENTRIES + 100  # a whole never-log list may be ticked
_ROUTING = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}


def make_pages(
    application: PagesApplication,
    addresses: PublicAddresses,
    now: Callable[[], datetime],
    trusted_proxies: int = 0,
) -> FastAPI:
    """The app. `now` gives an aware time."""
    files = assets.Assets()
    pages = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry=UNOBSERVED,
        form_limits={"max_fields": _MOST_FIELDS},
    )
    pages.state.desk = Desk(application, addresses, files, environments(files), now, trusted_proxies)
    pages.include_router(assets.routes(files))
    for module in (
        sign_in,
        allow,
        feed,
        notifications,
        profile,
        own_addresses,
        forgotten,
        lists,
        imports,
        legal_bases,
        editing,
        records,
        mail,
        mail_associations,
        settings,
        users,
        api_tokens,
        webhooks,
        retention,
        accuracy,
        welcome,
    ):
        pages.include_router(module.router)
    _install_errors(pages)
    return pages


def _install_errors(pages: FastAPI) -> None:
    @pages.exception_handler(SignInNeeded)
    async def _sign_in(request: Request, _: Exception) -> Response:
        return to_sign_in(request)

    @pages.exception_handler(Forged)
    async def _forged(request: Request, _: Exception) -> Response:
        return await _error(request, 403)

    @pages.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        problem = _ROUTING.get(error.status_code)
        if problem is not None and "text/html" not in request.headers.get("accept", ""):
            return answer(Problem(problem, "No such address.", headers=dict(error.headers or {})))
        return await _error(request, error.status_code)

    @pages.exception_handler(RequestValidationError)
    async def _invalid(request: Request, _: Exception) -> Response:
        return await _error(request, 404 if request.method == "GET" else 422)

    @pages.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        page = await _error(request, int(error.problem.status), role=error.problem is FORBIDDEN)
        page.headers.update(error.headers)
        return page

    @pages.exception_handler(DatabaseAway)
    async def _away(request: Request, _: Exception) -> Response:
        return _plain_error(request, 503)

    @pages.exception_handler(Exception)
    async def _internal(request: Request, error: Exception) -> Response:
        log.error("a page failed", exc_info=error)
        return _plain_error(request, 500)


def to_sign_in(request: Request) -> Response:
    """To the sign-in page, and from there to where the visitor wanted to go."""
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if request.method != "GET":
        return answer(Problem(NOT_SIGNED_IN, "Sign in on the page first."))
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(path, safe='')}", 303)


async def _error(request: Request, status: int, *, role: bool = False) -> Response:
    """`role`: it is refused because of the visitor's role."""
    try:
        found = await visit(request)
    except (DatabaseAway, Problem) as error:
        log.warning("the visitor of an error page is not known", error=type(error).__name__)
        return _plain_error(request, status)
    return _error_page(found, status, role=role)


def _plain_error(request: Request, status: int) -> Response:
    """Without asking who it is: the database may be what failed."""
    return _error_page(Visit(request.app.state.desk, request, None), status)


def _error_page(found: Visit, status: int, *, role: bool = False) -> Response:
    """A page; for a script, a few words beside what is on the screen, which stays as it is."""
    if found.request.headers.get("hx-request") != "true":
        return found.page("error.html", status_code=status, status=status, role=role)
    said = found.page("_trouble.html", status_code=status, status=status)
    said.headers.update({"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"})
    return said
