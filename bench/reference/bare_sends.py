"""A bare FastAPI route that reads a JSON body and publishes it as one event with acks=all.

`python -m bench.reference.bare_sends PORT BOOTSTRAP`: the reference of the send API, without sign-in, policy,
receipt and checks.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

OUT = "bench.sends"


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    app.state.producer = AIOKafkaProducer(bootstrap_servers=sys.argv[2], acks="all")
    await app.state.producer.start()
    print("ready", flush=True)
    yield


app = FastAPI(lifespan=_connected)


@app.post("/v1/messages")
@app.post("/v1/messages/{message_id}/sent")
async def take(body: dict[str, Any]) -> dict[str, bool]:
    """Answered once the broker has it."""
    await app.state.producer.send_and_wait(OUT, orjson.dumps(body))
    return {"accepted": True}


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), access_log=False, log_level="error", loop="uvloop", http="httptools"
    )
