"""The ops listener: `/health/live`, `/health/ready`, `/metrics`. Never on a public port."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.health.progress import Progress
from shared.http.server import QuietServer, quiet_server
from shared.settings import OpsSettings

_MOST_CONNECTIONS = 64  # a kubelet and a scraper or two

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def ops_app(progress: Progress) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """The ASGI application."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        status, media_type, body = _answer(scope.get("path", ""), progress)
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def _answer(path: str, progress: Progress) -> tuple[int, str, bytes]:
    if path == "/metrics":
        progress.not_ready_because()  # measures ages and readiness
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/health/live":
        return 200, "application/json", b'{"live":true}'
    if path == "/health/ready":
        reasons = progress.not_ready_because()
        body = orjson.dumps({"ready": not reasons, "because": reasons})
        return (503 if reasons else 200), "application/json", body
    return 404, "application/json", b'{"detail":"only /health/live, /health/ready and /metrics"}'


def ops_server(progress: Progress, settings: OpsSettings) -> QuietServer:
    """A server to run as a task beside the service's own loops."""
    return quiet_server(
        ops_app(progress), settings.host, settings.port, most_connections=_MOST_CONNECTIONS, ws="none"
    )
