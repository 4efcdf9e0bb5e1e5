"""A stand-in for crm's directory that knows every message: `python -m bench.reference.directory PORT`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Response

from shared.directory.contract import LogInputs, RecipientInput

_TO = RecipientInput(slot=0, contact_id=UUID(int=1))


@asynccontextmanager
async def _told(_: FastAPI) -> AsyncIterator[None]:
    print("ready", flush=True)
    yield


app = FastAPI(lifespan=_told)


@app.get("/internal/v1/messages/{message_id}/log-inputs")
async def log_inputs(message_id: UUID, account_id: UUID) -> Response:
    """A mail to one contact, to be logged."""
    inputs = LogInputs(
        message_id=message_id, account_id=account_id, user_id=account_id, sender_is_ours=True,
        log_asked=True, account_logging=True, recipients=(_TO,), ticked=(),
    )  # fmt: skip
    return Response(inputs.model_dump_json(), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error", loop="uvloop")
