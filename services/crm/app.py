"""The ASGI application: API and pages on one origin."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.crm.api import (
    accuracy,
    api_tokens,
    attachments,
    companies,
    compose,
    contacts,
    deals,
    feed,
    internal,
    me,
    messages,
    never_log,
    notification_policies,
    notifications,
    oauth,
    own_addresses,
    retention,
    session,
    settings,
    tickets,
    users,
    webhook_events,
    webhooks,
)
from services.crm.application.bodies import MAX_BODY_BYTES
from services.crm.application.oauth import OAuthError
from services.crm.collaborators import Collaborators
from services.crm.model.failures import DatabaseAway
from services.crm.web.imports import MAX_UPLOAD_BYTES
from services.crm.web.pages import make_pages
from shared.http.fastapi import UNOBSERVED, answer, install_problems
from shared.http.limits import MIB, BodyLimit
from shared.http.problems import UNAVAILABLE, Problem

_RECORDS = (contacts, companies, deals, tickets)
_NOUNS = (
    oauth,
    me,
    own_addresses,
    feed,
    accuracy,
    *_RECORDS,
    compose,
    messages,
    attachments,
    notifications,
    notification_policies,
    settings,
    never_log,
    retention,
    users,
    api_tokens,
    webhooks,
)
_UNSEEN = (internal, session)


def create_app(collaborators: Collaborators | None) -> FastAPI:
    """The application. None: only for its OpenAPI document; it answers no request then."""
    app = FastAPI(
        title="Kaifu CRM",
        version="1",
        description="Records, timelines, the activity feed, sign-in.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        telemetry=UNOBSERVED,
        webhooks=webhook_events.router,
    )
    app.state.collaborators = collaborators
    for noun in (*_NOUNS, *_UNSEEN):
        app.include_router(noun.router)
    install_problems(app)
    app.add_exception_handler(OAuthError, oauth.oauth_error)
    app.add_exception_handler(DatabaseAway, _database_away)
    app.add_middleware(BodyLimit, limit_of=_limit_of)
    if collaborators is not None:
        app.router.default = _pages(collaborators)  # no mount: that would hide a wrong method (405)
    return app


def _pages(collaborators: Collaborators) -> FastAPI:
    configuration = collaborators.configuration
    trusted_proxies = configuration.settings.trusted_proxies
    return make_pages(collaborators, configuration.addresses, collaborators.clock, trusted_proxies)


def _database_away(_: Request, __: Exception) -> JSONResponse:
    return answer(
        Problem(UNAVAILABLE, "The database does not answer; try again.", headers={"Retry-After": "2"})
    )


def _limit_of(path: str) -> int | None:
    if path == "/contacts/import":
        return MAX_UPLOAD_BYTES
    if not path.startswith("/v1/messages/"):
        return MIB
    if "/attachments/" in path:
        return None  # the route reads it piece by piece, and counts
    return MAX_BODY_BYTES if path.endswith("/body") else MIB
