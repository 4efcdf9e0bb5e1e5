"""The addresses that the signed-in user sends from (E4)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.addresses import AddressRow
from services.crm.problems import ADDRESS_IN_USE, LINK_SPENT, MAIL_NOT_SET_UP, TOO_MANY_LETTERS
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/me/addresses", tags=["me"])


class AddressAsked(Asked):
    """An address to send from."""

    address: Annotated[str, Field(min_length=3, max_length=320)]


class Proof(Asked):
    """The last part of the link that was mailed."""

    token: Annotated[str, Field(max_length=200)]


class OwnAddressRows(BaseModel):
    """Proven ones first. `mail_set_up`: whether links can be mailed, so that others can be added."""

    mail_set_up: bool
    addresses: list[AddressRow]


@router.get("", responses=problems())
async def own_addresses(crm: Crm, who: Who) -> OwnAddressRows:
    """All addresses of the signed-in user, also those that are not proven yet: these count for nothing."""
    return OwnAddressRows(mail_set_up=crm.addresses.mail_set_up, addresses=await crm.addresses.all(who))


@router.post(
    "", status_code=202, responses=problems(MAIL_NOT_SET_UP, TOO_MANY_LETTERS, INVALID, MALFORMED, TOO_LARGE)
)
async def ask(crm: Crm, who: Who, asked: AddressAsked) -> AddressRow:
    """Mail a link that proves the address. It works once, for 24 hours, and for this user alone."""
    return await crm.addresses.ask(who, asked.address)


@router.post("/proofs", responses=problems(ADDRESS_IN_USE, LINK_SPENT, INVALID, MALFORMED, TOO_LARGE))
async def prove(crm: Crm, who: Who, asked: Proof) -> AddressRow:
    """Spend a link: from now on the user sends from the address."""
    return await crm.addresses.confirm(who, asked.token)


@router.post(
    "/{id}/mail",
    status_code=202,
    responses=problems(MAIL_NOT_SET_UP, TOO_MANY_LETTERS, NOT_FOUND, INVALID),
)
async def again(crm: Crm, who: Who, id: UUID) -> AddressRow:  # noqa: A002 - the name in the address
    """Mail another link."""
    return await crm.addresses.again(who, id)


@router.delete("/{id}", status_code=204, responses=problems(NOT_FOUND, INVALID))
async def remove(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002
    """Send from the address no more, or wait for its proof no more."""
    await crm.addresses.remove(who, id)
