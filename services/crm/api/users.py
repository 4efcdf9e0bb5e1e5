"""The users of the account, for super admins."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked, Name
from services.crm.model.base import Model
from services.crm.model.users import NewPasswordLink, UserRow
from services.crm.problems import LAST_SUPER_ADMIN, NAME_TAKEN
from shared.auth.tokens import Role
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/users", tags=["users"])
_WRITING = (FORBIDDEN, NOT_FOUND, INVALID, MALFORMED, TOO_LARGE)


class Invited(Asked):
    """A person to invite; signs in with the address."""

    name: Name
    address: Annotated[str, Field(max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")]
    role: Role = Role.REP


class RoleAsked(Asked):
    """The role that a user is to have."""

    role: Role


class Successor(Asked):
    """Who is to own what the leaver owned."""

    successor_id: UUID


class UserRows(BaseModel):
    """Users by name, those who have left last."""

    users: list[UserRow]


class Link(Model):
    """A page where the user chooses a password, once; to be passed on to that person alone."""

    user_id: UUID
    url: str
    expires_at: datetime
    mailed: bool = Field(description="another link goes to the user by mail; the first used ends the other")


class HandedOver(BaseModel):
    """How many records have another owner now."""

    records: int


@router.get("", responses=problems(FORBIDDEN))
async def users(crm: Crm, who: Who) -> UserRows:
    """All users of the account."""
    return UserRows(users=await crm.users.all(who))


@router.post("", status_code=201, responses=problems(NAME_TAKEN, *_WRITING))
async def invite(crm: Crm, who: Who, asked: Invited) -> Link:
    """Invite somebody. The answer's link is shown this once."""
    return _link(crm, await crm.users.invite(who, asked.name, asked.address, asked.role))


@router.post("/{id}/password-link", status_code=201, responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def password_link(crm: Crm, who: Who, id: UUID) -> Link:  # noqa: A002 - the name in the address
    """A new link for a user who has lost the password or the invitation; earlier ones end."""
    return _link(crm, await crm.users.new_link(who, id))


@router.put("/{id}/role", status_code=204, responses=problems(LAST_SUPER_ADMIN, *_WRITING))
async def set_role(crm: Crm, who: Who, id: UUID, asked: RoleAsked) -> None:  # noqa: A002
    """Give another role. The user signs in again."""
    await crm.users.set_role(who, id, asked.role)


@router.post("/{id}/leave", responses=problems(LAST_SUPER_ADMIN, *_WRITING))
async def leave(crm: Crm, who: Who, id: UUID, asked: Successor) -> HandedOver:  # noqa: A002
    """The user leaves: all sign-ins end, and the successor owns what the user owned."""
    return HandedOver(records=await crm.users.see_off(who, id, asked.successor_id))


def _link(crm: Crm, made: NewPasswordLink) -> Link:
    url = f"{crm.configuration.addresses.app_url}/welcome/{made.token.get_secret_value()}"
    return Link(user_id=made.user_id, url=url, expires_at=made.expires_at, mailed=made.mailed)
