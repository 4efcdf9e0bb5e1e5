"""Around the whole send API: headers of every answer, who asks and how much, one span per request."""

from collections.abc import Awaitable, Callable

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.tokens import SignedIn
from shared.http.fastapi import answer
from shared.http.problems import Problem
from shared.telemetry.tracing import context_from_http, span

_ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_WHO_ASKS = "kaifu.who_asks"

Authenticate = Callable[[str | None], Awaitable[SignedIn]]
Admit = Callable[[SignedIn], None]


def who_asks(scope: Scope) -> SignedIn:
    """Whom `Admission` found in this request. Raises Problem when it is nobody."""
    found: SignedIn | Problem = scope[_WHO_ASKS]
    if isinstance(found, Problem):
        raise found
    return found


class Admission:
    """Refuses what is over an account's quota before anything else is done for it.

    Not even its body is read, so that whoever asks for far too much takes little from others. A request of
    nobody goes on: its route refuses it, and some need no sign-in.
    `authenticate`: from the Authorization header, or Problem; `admit`: Problem when it is one too many.
    """

    def __init__(self, app: ASGIApp, authenticate: Authenticate, admit: Admit) -> None:
        self._app = app
        self._authenticate = authenticate
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                who = scope[_WHO_ASKS] = await self._authenticate(Headers(scope=scope).get("authorization"))
            except Problem as problem:
                scope[_WHO_ASKS] = problem
            else:
                try:
                    self._admit(who)
                except Problem as problem:
                    await answer(problem)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds what every answer of an API has to say to a browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_ALWAYS)
            await send(message)

        await self._app(scope, receive, with_headers)


class ServerSpan:
    """A server span per request, in the caller's trace if it names one."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = context_from_http(dict(Headers(scope=scope).items()))
        with span(self._name, kind=SpanKind.SERVER, parent=parent) as current:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    current.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, noting)
