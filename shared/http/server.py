"""A uvicorn server inside the service's own event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from shared.http.connections import Connections

MOST_CONNECTIONS = 1000


class QuietServer(uvicorn.Server):
    """Leaves the process's signals alone: `shared.process` has the one handler."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def quiet_server(
    app: Any, host: str, port: int, *, most_connections: int = MOST_CONNECTIONS, **options: Any
) -> QuietServer:
    """No access log (it would hold addresses and tokens), no server header, bounded connections.

    `options`: uvicorn's; with an `http` of its own, a listener bounds its connections itself.
    """
    options.setdefault("http", Connections(most_connections).protocol)
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
