"""The part of the profile with the addresses to send from, and the page that a mailed link leads to (E4)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.crm.model.addresses import AddressState
from services.crm.problems import ADDRESS_IN_USE, MAIL_NOT_SET_UP, TOO_MANY_LETTERS
from services.crm.rules.addresses import LONGEST
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/profile/addresses")
_SEE_OTHER = 303
_FAULTS = {
    INVALID: gettext("Kaifu can't send mail to that address, or you have too many addresses."),
    TOO_MANY_LETTERS: gettext("Too many links were mailed within the hour. Try again later."),
    MAIL_NOT_SET_UP: gettext("This server has no mail relay."),
}
_IN_USE = gettext("Another user sends from this address. It must be removed there first.")


@router.get("")
async def list_(visit: SignedInPage) -> Response:
    """The list alone, for the page that waits for news."""
    return visit.page("_own_addresses.html", **await shown(visit))


@router.post("")
async def ask(
    visit: ChangingPage, address: Annotated[str, Form(min_length=1, max_length=LONGEST)]
) -> Response:
    """Mail a link to an address."""
    try:
        row = await visit.desk.application.addresses.ask(visit.visitor.as_signed_in(), address)
    except Problem as problem:
        return await _refused(visit, problem, address)
    said = None if row.state is AddressState.PROVEN else row.address
    return await _part(visit, asked=said)


@router.post("/{id_}/mail")
async def again(visit: ChangingPage, id_: UUID) -> Response:
    """Mail another link."""
    try:
        row = await visit.desk.application.addresses.again(visit.visitor.as_signed_in(), id_)
    except Problem as problem:
        return await _refused(visit, problem)
    return await _part(visit, asked=row.address)


@router.post("/{id_}/remove")
async def remove(visit: ChangingPage, id_: UUID) -> Response:
    """Send from it no more, or don't wait for its proof."""
    await visit.desk.application.addresses.remove(visit.visitor.as_signed_in(), id_)
    return await _part(visit)


@router.get("/confirm/{token}")
async def form(visit: SignedInPage, token: str) -> Response:
    """What the link proves, and a button: what follows links in mail by itself proves nothing."""
    claim = await visit.desk.application.addresses.linked(visit.visitor.as_signed_in(), token)
    return _confirmation(visit, claim.address)


@router.post("/confirm/{token}")
async def confirm(visit: ChangingPage, token: str) -> Response:
    """Spend the link."""
    who, addresses = visit.visitor.as_signed_in(), visit.desk.application.addresses
    claim = await addresses.linked(who, token)
    try:
        await addresses.confirm(who, token)
    except Problem as problem:
        if problem.problem is not ADDRESS_IN_USE:
            raise
        return _confirmation(visit, claim.address, _IN_USE, status_code=409)
    return RedirectResponse("/profile?proven=true", _SEE_OTHER)


async def shown(visit: SignedInVisit) -> dict[str, Any]:
    """What the part shows."""
    addresses = visit.desk.application.addresses
    rows = await addresses.all(visit.visitor.as_signed_in())
    return {
        "addresses": rows,
        "mail_set_up": addresses.mail_set_up,
        "pending": any(row.state is not AddressState.PROVEN for row in rows),
        "asked": None,
        "address_fault": None,
        "typed": "",
    }


async def _part(visit: SignedInVisit, **more: Any) -> Response:
    """The part for htmx; without script the whole page."""
    if visit.request.headers.get("hx-request") != "true":
        return RedirectResponse("/profile#addresses", _SEE_OTHER)
    return visit.page("_addresses.html", **{**await shown(visit), **more})


async def _refused(visit: SignedInVisit, problem: Problem, typed: str = "") -> Response:
    if problem.problem not in _FAULTS:
        raise problem
    if visit.request.headers.get("hx-request") != "true":
        return _confirmation(visit, typed, _FAULTS[problem.problem], int(problem.problem.status))
    return await _part(visit, address_fault=_FAULTS[problem.problem], typed=typed)


def _confirmation(
    visit: SignedInVisit, address: str, fault: str | None = None, status_code: int = 200
) -> Response:
    return visit.page("address_confirm.html", status_code=status_code, address=address, fault=fault)
