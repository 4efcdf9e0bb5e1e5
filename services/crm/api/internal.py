"""Kaifu's own services: the directory (`shared.directory.contract`)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from opentelemetry.trace import SpanKind

from services.crm.api.dependencies import Crm, internal_service
from shared.directory.contract import LogInputs, Policy, PreparedMessage
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
