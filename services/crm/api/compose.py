"""What a compose window asks while recipients are typed."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.compose import ComposeContext
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE, Problem

router = APIRouter(prefix="/v1/compose-context", tags=["compose"])
MAX_RECIPIENTS = 500
_ADDRESS = r"[^\s@,]+@[^\s@,]+"
Addresses = Annotated[
    str, Query(max_length=8000, pattern=rf"^({_ADDRESS}(,{_ADDRESS})*)?$", description="separated by commas")
]
Address = Annotated[str, Field(max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")]


class ManyRecipients(Asked):
    """More addresses than an address line of HTTP holds, or such as have a comma."""

    to: Annotated[list[Address], Field(max_length=MAX_RECIPIENTS)]


@router.get("", responses=problems(INVALID, NOT_FOUND))
async def compose_context(crm: Crm, who: Who, to: Addresses = "") -> ComposeContext:
    """Who the recipients are, whether the mail may be tracked and logged, and what it is offered to be
    logged on: what prepare would decide, if everything were asked of it. At most 500 addresses."""
    addresses = to.split(",") if to else []
    if len(addresses) > MAX_RECIPIENTS:
        raise Problem(INVALID, f"At most {MAX_RECIPIENTS} addresses.")
    return await crm.compose.of(who.account_id, addresses)


@router.post("", responses=problems(INVALID, NOT_FOUND, MALFORMED, TOO_LARGE))
async def compose_context_of_many(crm: Crm, who: Who, asked: ManyRecipients) -> ComposeContext:
    """The same, for more addresses than fit into the address line, or with a comma. It changes nothing."""
    return await crm.compose.of(who.account_id, asked.to)
