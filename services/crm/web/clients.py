"""Clients that wait for a code while a page is shown."""

from services.crm.application.oauth import OAuthError
from services.crm.rules.oauth import Asked, asked_by, redirect_allowed
from services.crm.web.desk import Visit
from services.crm.web.security import origin_of
from shared.http.problems import Problem


def client_of(visit: Visit, target: str) -> Asked | None:
    """The client that waits for a code; None also where its request is not right, which `target` says."""
    asked = asked_by(target)
    if asked is None:
        return None
    try:
        visit.desk.application.oauth.check(asked)
    except (OAuthError, Problem):
        return None
    return asked


def form_targets(target: str) -> tuple[str, ...]:
    """Browsers hold a form's whole chain of redirects to `form-action`, and OAuth's leads to its client."""
    asked = asked_by(target)
    if asked is None or not redirect_allowed(asked.request.redirect_uri, ()):
        return ()
    return (origin_of(asked.request.redirect_uri),)
