"""A limit for request bodies, before a framework reads them into memory."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shared.http.fastapi import answer
from shared.http.problems import TOO_LARGE, UNAVAILABLE, Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
MIB = 1024 * 1024
_CLOSE = {"Connection": "close"}
MOST_BODIES = 64 * MIB


class BodyLimit:
    """ASGI middleware: reads a body whole before anything looks at it; 413 for a longer one.

    `limit_of`: bytes that the path of a request may have; None: its route reads piece by piece and counts.
    `in_memory`: bytes of all bodies at once; a request beyond it is answered 503. Counted while reading, so
    that a chunked body can't get around either.
    """

    def __init__(self, app: App, limit_of: Callable[[str], int | None], in_memory: int = MOST_BODIES) -> None:
        self._app = app
        self._limit_of = limit_of
        self._in_memory = in_memory
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        limit = self._limit_of(scope["path"]) if scope["type"] == "http" else None
        if limit is None:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            problem = _announced_too_large(scope, limit) or await self._read(body, limit, receive)
            if problem is not None:
                await answer(problem)(scope, receive, send)
            else:
                await self._app(scope, _Replayed(bytes(body), receive), send)
        finally:
            self._held -= len(body)

    async def _read(self, body: bytearray, limit: int, receive: Receive) -> Problem | None:
        """Why not, if it may not be so long. A client that goes away leaves it short."""
        more = True
        while more:
            message = await receive()
            piece = message.get("body", b"")
            body += piece
            self._held += len(piece)
            if len(body) > limit:
                return _too_large(limit)
            if self._held > self._in_memory:
                return Problem(
                    UNAVAILABLE, "Too much is being sent at once.", headers={"Retry-After": "2", **_CLOSE}
                )
            more = message["type"] == "http.request" and message.get("more_body", False)
        return None


class _Replayed:
    """Gives the body once, then what the server says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> MutableMapping[str, Any]:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _announced_too_large(scope: Scope, limit: int) -> Problem | None:
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    return _too_large(limit) if announced.isdigit() and int(announced) > limit else None


def _too_large(limit: int) -> Problem:
    return Problem(TOO_LARGE, f"At most {limit} bytes.", headers=_CLOSE)
