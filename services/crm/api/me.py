"""Who am I."""

from uuid import UUID

from fastapi import APIRouter

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.model.accounts import SendingAddress
from services.crm.model.base import Model
from shared.auth.tokens import Role

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


@router.get("", responses=problems())
async def me(crm: Crm, who: Who) -> Me:
    """The signed-in user."""
    user = await crm.sign_ins.user(who.account_id, who.user_id)
    account = await crm.accounts.get(who.account_id)
    return Me(**user.model_dump(), user_id=user.id, account_name=account.name if account else "")
