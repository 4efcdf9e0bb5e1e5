"""Who am I."""

from uuid import UUID

from fastapi import APIRouter

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import UNCHANGED, Name, Patch, Text
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import SendingAddress, User
from services.crm.model.base import Model
from shared.auth.tokens import Role
from shared.http.problems import INVALID, MALFORMED, TOO_LARGE

router = APIRouter(prefix="/v1/me", tags=["me"])


class Me(Model):
    """The signed-in user. `addresses`: those that mail may be sent from."""

    user_id: UUID
    account_id: UUID
    account_name: str
    name: str
    address: str
    addresses: tuple[SendingAddress, ...]
    role: Role
    locale: str
    time_zone: str


class MePatch(Patch):
    """What a user may change of itself."""

    name: Name = UNCHANGED
    locale: Text = UNCHANGED
    time_zone: Text = UNCHANGED


@router.get("", responses=problems())
async def me(crm: Crm, who: Who) -> Me:
    """The signed-in user."""
    return await _me(crm, await crm.sign_ins.user(who.account_id, who.user_id))


@router.patch("", responses=problems(INVALID, MALFORMED, TOO_LARGE))
async def change_me(crm: Crm, who: Who, asked: MePatch) -> Me:
    """Change name, language (`en`, `ja`) or time zone."""
    return await _me(crm, await crm.profiles.change(who, asked.model_dump(exclude_unset=True)))


async def _me(crm: Collaborators, user: User) -> Me:
    account = await crm.accounts.get(user.account_id)
    return Me(**user.model_dump(), user_id=user.id, account_name=account.name if account else "")
