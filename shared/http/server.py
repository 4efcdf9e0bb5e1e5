"""A uvicorn server inside the service's own event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class QuietServer(uvicorn.Server):
    """Leaves the process's signals alone: `shared.process` has the one handler."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def quiet_server(app: Any, host: str, port: int, **options: Any) -> QuietServer:
    """No access log (it would hold addresses and tokens), no server header, httptools for parsing."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=10,
        **options,
    )
    return QuietServer(config)
