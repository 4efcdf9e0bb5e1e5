"""Settings › Users, for super admins (A6)."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.crm.model.users import NewPasswordLink
from services.crm.problems import LAST_SUPER_ADMIN, NAME_TAKEN
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext
from shared.auth.tokens import Role
from shared.http.problems import Problem

router = APIRouter(prefix="/settings/users")
_FAULTS = {
    NAME_TAKEN: gettext("Somebody signs in with this address already."),
    LAST_SUPER_ADMIN: gettext("Make somebody else a super admin first: the account needs one."),
}
_NOTHING = {"name": "", "address": "", "role": Role.REP.value}


@router.get("")
async def users(visit: SignedInPage) -> Response:
    """All users, and the form to invite one."""
    return await _page(visit, "settings_users.html")


@router.post("")
async def invite(
    visit: ChangingPage,
    name: Annotated[str, Form(min_length=1, max_length=256)],
    address: Annotated[str, Form(max_length=320, pattern=r"^\s*[^\s@]+@[^\s@]+\s*$")],
    role: Annotated[Role, Form()] = Role.REP,
) -> Response:
    """Invite somebody; the link is shown this once."""
    typed = {"name": name, "address": address, "role": role.value}
    try:
        made = await visit.desk.application.users.invite(visit.visitor.as_signed_in(), name, address, role)
    except Problem as problem:
        return await _refused(visit, problem, typed)
    return await _page(visit, _part(visit), made=made)


@router.post("/{user_id}/link")
async def link(visit: ChangingPage, user_id: UUID) -> Response:
    """A link to choose a password anew."""
    made = await visit.desk.application.users.new_link(visit.visitor.as_signed_in(), user_id)
    return await _page(visit, _part(visit), made=made)


@router.post("/{user_id}/role")
async def role(visit: ChangingPage, user_id: UUID, role: Annotated[Role, Form()]) -> Response:
    """Another role."""
    try:
        await visit.desk.application.users.set_role(visit.visitor.as_signed_in(), user_id, role)
    except Problem as problem:
        return await _refused(visit, problem)
    return await _page(visit, _part(visit))


@router.post("/{user_id}/leave")
async def leave(visit: ChangingPage, user_id: UUID, successor: Annotated[UUID, Form()]) -> Response:
    """The user leaves, with a hand-over."""
    who = visit.visitor.as_signed_in()
    try:
        count = await visit.desk.application.users.see_off(who, user_id, successor)
    except Problem as problem:
        return await _refused(visit, problem)
    return await _page(visit, _part(visit), handed_over=count)


def _part(visit: SignedInVisit) -> str:
    """The part alone for htmx, the page without script."""
    return "_users.html" if visit.request.headers.get("hx-request") == "true" else "settings_users.html"


async def _refused(visit: SignedInVisit, problem: Problem, typed: Mapping[str, str] = _NOTHING) -> Response:
    if problem.problem not in _FAULTS:
        raise problem
    return await _page(visit, _part(visit), fault=_FAULTS[problem.problem], typed=typed)


async def _page(
    visit: SignedInVisit,
    template: str,
    made: NewPasswordLink | None = None,
    handed_over: int | None = None,
    fault: str | None = None,
    typed: Mapping[str, str] = _NOTHING,
) -> Response:
    found = await visit.desk.application.users.all(visit.visitor.as_signed_in())
    shown: dict[str, Any] = {"link": made, "link_for": "", "link_url": ""}
    if made is not None:
        shown["link_for"] = next((user.name for user in found if user.id == made.user_id), "")
        shown["link_url"] = f"{visit.desk.addresses.app_url}/welcome/{made.token.get_secret_value()}"
    return visit.page(template, users=found, fault=fault, typed=typed, handed_over=handed_over, **shown)
