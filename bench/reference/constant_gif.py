"""A FastAPI route that answers a constant GIF: `python -m bench.reference.constant_gif PORT`."""

import sys

import uvicorn
from fastapi import FastAPI, Response

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

app = FastAPI()


@app.get("/o/{token}.gif")
async def pixel(token: str) -> Response:
    """The GIF."""
    return Response(GIF, media_type="image/gif", headers={"cache-control": "no-store"})


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), access_log=False, log_level="error", loop="uvloop", http="httptools"
    )
