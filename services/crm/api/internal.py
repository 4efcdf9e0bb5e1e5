"""Kaifu's own services: the directory (`shared.directory.contract`, `shared.directory.histories`)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from opentelemetry.trace import SpanKind
from pydantic import Field

from services.crm.api.dependencies import Crm, internal_service
from shared.directory.contract import LogInputs, Policy, PreparedMessage
from shared.directory.histories import HistoriesAsked, HistoryExtent
from shared.telemetry.tracing import context_from_http, span

router = APIRouter(prefix="/internal/v1", dependencies=[Depends(internal_service)], include_in_schema=False)


@router.post("/messages")
async def prepare(crm: Crm, request: Request, asked: PreparedMessage) -> Policy:
    """Decide the policy of a mail and record it."""
    parent = context_from_http(dict(request.headers))
    with span("resolve", kind=SpanKind.SERVER, parent=parent, message_id=str(asked.message_id)):
        return await crm.directory.prepare(asked)


@router.get("/messages/{message_id}/log-inputs")
async def log_inputs(
    crm: Crm, request: Request, message_id: UUID, account_id: Annotated[UUID, Query()]
) -> LogInputs:
    """What the logging rules read."""
    parent = context_from_http(dict(request.headers))
    with span("log inputs", kind=SpanKind.SERVER, parent=parent, message_id=str(message_id)):
        return await crm.directory.log_inputs(account_id, message_id)


@router.get("/histories/extent")
async def history_extent(crm: Crm, asked: Annotated[HistoriesAsked, Query()]) -> HistoryExtent:
    """How much a replay has to look at."""
    return await crm.histories.extent(asked)


class HistoriesAfter(HistoriesAsked):
    """A page of them."""

    after: str | None = Field(default=None, max_length=200)


@router.get("/histories")
async def histories(crm: Crm, asked: Annotated[HistoriesAfter, Query()]) -> Response:
    """Messages with their raw hits and how they are judged, as JSON lines; the last one leads on."""
    found, end = await crm.histories.page(asked, asked.after)
    lines = [line.model_dump_json() for line in (*found, end)]
    return Response("\n".join(lines), media_type="application/x-ndjson")
