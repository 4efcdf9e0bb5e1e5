"""Attachments of mail: uploaded by receipt, downloaded from timelines."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.requests import ClientDisconnect

from services.crm.api.dependencies import Crm, Reader, Who, problems
from services.crm.application.attachments import MAX_READ_BYTES, MAX_STORED_BYTES, Part
from services.crm.model.attachments import Attachment, NamedAttachment
from services.crm.problems import CONTENT_DIFFERS, RECEIPT_EXPIRED, RECEIPT_INVALID
from services.crm.rules.attachments import MAX_NAME, OCTETS, disposition
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND, TOO_LARGE, Problem

router = APIRouter(prefix="/v1/messages", tags=["messages"])
Index = Annotated[int, Path(ge=0, le=199, description="its place in the mail, from 0")]
Name = Annotated[str, Query(min_length=1, max_length=MAX_NAME, description="its file name")]
Digest = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of the content, hex")]
KaifuReceipt = Annotated[
    str, Header(alias="Kaifu-Receipt", min_length=1, max_length=4096, description="as prepare gave it")
]
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: dict[str, Any] = {
    "requestBody": {
        "description": "The decoded content, with its own Content-Type.",
        "required": True,
        "content": {OCTETS: _BINARY},
    }
}
_DOWNLOAD = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class KeptAttachment(NamedAttachment):
    """What became of an upload."""

    sha256: str | None = Field(description="of the content, hex")


@router.put(
    "/{message_id}/attachments/{index}",
    openapi_extra=_CONTENT,
    responses=problems(
        RECEIPT_INVALID, RECEIPT_EXPIRED, NOT_FOUND, INVALID, CONTENT_DIFFERS, MALFORMED, TOO_LARGE
    ),
    description=f"""Keep an attachment until it is decided whether the mail is logged; then keep it for good,
or discard it. Repeating it changes nothing; other content replaces what was there.

`stored: false` comes with a reason: `too_large` (more than {MAX_STORED_BYTES} bytes), `attachments_off`
(the account logs none) or `not_logged` (the mail is not logged: nothing of it is kept). The timeline names
what was left out of a logged mail. More than {MAX_READ_BYTES} bytes are not read to their end: 413, and the
timeline names it as too large.""",
)
async def put_attachment(
    crm: Crm,
    who: Who,
    request: Request,
    message_id: UUID,
    index: Index,
    name: Name,
    receipt: KaifuReceipt,
    sha256: Digest = None,
) -> KeptAttachment:
    """Keep an attachment."""
    announced = request.headers.get("content-length", "0")
    part = Part(
        index=index,
        name=name,
        type=request.headers.get("content-type", OCTETS),
        sha256=sha256,
        announced=int(announced) if announced.isdecimal() else 0,
    )
    kept = await crm.attachments.put(who, message_id, receipt, part, _pieces(request))
    return KeptAttachment(**kept.named.model_dump(), sha256=kept.sha256)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise Problem(MALFORMED, "The request ended before its content did.") from None


@router.get(
    "/{message_id}/attachments/{index}",
    response_class=StreamingResponse,
    responses={
        **problems(NOT_FOUND, INVALID),
        200: {"description": "The content.", "content": {OCTETS: _BINARY}},
    },
)
async def get_attachment(crm: Crm, who: Reader, message_id: UUID, index: Index) -> StreamingResponse:
    """Download an attachment of a logged mail. Kaifu's own pages may do so with their cookie."""
    attachment, content = await crm.attachments.open(who.account_id, message_id, index)
    return StreamingResponse(content, media_type=attachment.type, headers=_headers(attachment))


def _headers(attachment: Attachment) -> dict[str, str]:
    return {
        **_DOWNLOAD,
        "Content-Length": str(attachment.size),
        "Content-Disposition": disposition(attachment.name),
    }
