"""Uploads that belong to a prepared message."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.application.bodies import MAX_BODY_BYTES
from services.crm.problems import RECEIPT_EXPIRED, RECEIPT_INVALID
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/messages", tags=["messages"])
Part = Annotated[str, Field(max_length=MAX_BODY_BYTES)]


class MailBody(Asked):
    """The body of a sent mail. The whole request may have 8 MiB."""

    receipt: Annotated[str, Field(min_length=1, max_length=4096, description="as prepare gave it")]
    html: Part = ""
    text: Part = ""


@router.put(
    "/{message_id}/body",
    status_code=204,
    responses=problems(RECEIPT_INVALID, RECEIPT_EXPIRED, NOT_FOUND, INVALID, MALFORMED, TOO_LARGE),
)
async def put_body(crm: Crm, who: Who, message_id: UUID, asked: MailBody) -> None:
    """Keep the body until it is decided whether the mail is logged; then keep it for good, or discard it."""
    await crm.bodies.put(who, message_id, asked.receipt, asked.html, asked.text, crm.clock())
