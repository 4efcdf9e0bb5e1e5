"""A limit for request bodies, before a framework reads them into memory."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shared.http.fastapi import answer
from shared.http.problems import TOO_LARGE, Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
MIB = 1024 * 1024


class BodyLimit:
    """ASGI middleware: 413 for a longer body, whether its length is announced or not.

    `limit_of`: bytes that the path of a request may have; None: its route reads piece by piece and counts.
    """

    def __init__(self, app: App, limit_of: Callable[[str], int | None]) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        limit = self._limit_of(scope["path"]) if scope["type"] == "http" else None
        if limit is None:
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            await _refuse(limit, scope, receive, send)
            return
        await self._counted(limit, scope, receive, send)

    async def _counted(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """A chunked body is read here first; it ends where it is too long."""
        if b"transfer-encoding" not in dict(scope["headers"]):
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
            if sum(map(len, parts)) > limit:
                await _refuse(limit, scope, receive, send)
                return
        whole: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": b"".join(parts), "more_body": False}
        ]

        async def replay() -> MutableMapping[str, Any]:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(TOO_LARGE, f"At most {limit} bytes.", headers={"Connection": "close"})
    await answer(problem)(scope, receive, send)
