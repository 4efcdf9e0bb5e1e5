"""A user's own page: name, language, time zone, password."""

from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.crm.problems import TOO_MANY_ATTEMPTS, WRONG_PASSWORD
from services.crm.rules.passwords import LONGEST, SHORTEST
from services.crm.web import security
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.own_addresses import shown
from services.crm.web.words import gettext
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/profile")
_SEE_OTHER = 303
_FAULTS = {
    WRONG_PASSWORD: gettext("The password that you have now is another one."),
    TOO_MANY_ATTEMPTS: gettext("Too many attempts. Try again in a quarter of an hour."),
    INVALID: gettext("The new password is too short."),
}
Password = Annotated[str, Form(max_length=LONGEST)]


@router.get("")
async def profile(visit: SignedInPage, saved: bool = False, proven: bool = False) -> Response:
    """The forms."""
    return await _page(visit, saved=saved, proven=proven)


@router.post("")
async def change(
    visit: ChangingPage,
    name: Annotated[str, Form(min_length=1, max_length=256)],
    locale: Annotated[str, Form(max_length=10)],
    time_zone: Annotated[str, Form(max_length=64)],
) -> Response:
    """Save, and show the page in the language that was chosen."""
    fields = {"name": name.strip() or name, "locale": locale, "time_zone": time_zone}
    await visit.desk.application.profiles.change(visit.visitor.as_signed_in(), fields)
    return RedirectResponse("/profile?saved=true", _SEE_OTHER)


@router.post("/password")
async def password(visit: ChangingPage, old: Password = "", new: Password = "") -> Response:
    """Another password; it is asked for at once, on every screen."""
    client = security.client_address(visit.request, visit.desk.trusted_proxies)
    try:
        await visit.desk.application.profiles.change_password(visit.visitor.as_signed_in(), old, new, client)
    except Problem as problem:
        if problem.problem not in _FAULTS:
            raise
        status = int(problem.problem.status)
        return await _page(
            visit, fault=_FAULTS[problem.problem], status_code=422 if status == 401 else status
        )
    return RedirectResponse("/sign-in", _SEE_OTHER)


async def _page(
    visit: SignedInVisit,
    *,
    saved: bool = False,
    proven: bool = False,
    fault: str | None = None,
    status_code: int = 200,
) -> Response:
    return visit.page(
        "profile.html",
        status_code=status_code,
        saved=saved,
        proven=proven,
        fault=fault,
        least=SHORTEST,
        zones=sorted(available_timezones()),
        **await shown(visit),
    )
