"""An ASGI application of a test's own, on a port of loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from deploy.local.ports import LOOPBACK
from shared.http.server import quiet_server


@asynccontextmanager
async def serving(app: Any, port: int) -> AsyncIterator[None]:
    """Listen while the block runs."""
    server = quiet_server(app, LOOPBACK, port)
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task
