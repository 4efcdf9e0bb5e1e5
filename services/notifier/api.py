"""`/v1/stream`: the life of a socket. The protocol is in `messages`."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from services.notifier import messages
from services.notifier.handlers import Attached, Hub, Refused, utc_now
from services.notifier.heartbeat import Heartbeat
from services.notifier.messages import Close, NotUnderstood, Push, read_request
from services.notifier.model import Entry, ReplayExpired, ReplayUnavailable
from services.notifier.outlet import Outlet
from services.notifier.settings import NotifierSettings
from services.notifier.socket import Socket
from shared.auth.jwks import KeysUnavailable
from shared.auth.tokens import ExpiredAccessToken, InvalidAccessToken, SignedIn
from shared.telemetry.names import SOCKETS_REFUSED

log = structlog.get_logger(__name__)
PATH = "/v1/stream"
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,200}")

ReadReplay = Callable[[int, int, int, str], Awaitable[list[Entry]]]
"""The user's events of a partition, from and up to an offset."""


class Verifier(Protocol):
    """Who bears an access token."""

    async def verify(self, token: str) -> SignedIn:
        """Raises InvalidAccessToken, ExpiredAccessToken, KeysUnavailable."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Who may come in."""

    origins: frozenset[str]
    is_open: Callable[[], bool]
    has_room: Callable[[], bool] = lambda: True

    def answer(self, connection: ServerConnection, request: HttpRequest) -> Response | None:
        """None to let the handshake go on, or why not. Without an Origin it is no browser."""
        if urlsplit(request.path).path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "Connect to /v1/stream.\n")
        origins = request.headers.get_all("Origin")
        if origins and (len(origins) > 1 or origins[0] not in self.origins):
            return connection.respond(HTTPStatus.FORBIDDEN, "This origin may not connect.\n")
        if not self.is_open():
            return _come_again(connection, "Not yet; try again.\n", after_s=1)
        if not self.has_room():
            SOCKETS_REFUSED.inc()
            return _come_again(connection, "Too many connections; try again.\n", after_s=5)
        return None


def _come_again(connection: ServerConnection, text: str, after_s: int) -> Response:
    response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, text)
    response.headers["Retry-After"] = str(after_s)
    return response


class Stream:
    """Serves sockets."""

    def __init__(
        self, hub: Hub, verifier: Verifier, read_replay: ReadReplay, settings: NotifierSettings
    ) -> None:
        self._hub = hub
        self._verifier = verifier
        self._read_replay = read_replay
        self._settings = settings
        self.sockets = 0  # signed in or not yet
        self._heartbeat = Heartbeat(settings.ping_interval_s)

    @property
    def has_room(self) -> bool:
        """Whether another socket may come, signed in or not yet."""
        return self.sockets < self._settings.sockets

    async def serve(self, connection: ServerConnection) -> None:
        """From the handshake to the end of one socket."""
        assert isinstance(connection, Socket)
        self.sockets += 1
        try:
            with self._heartbeat.of(connection):
                await self._serve(connection)
        finally:
            self.sockets -= 1

    async def beat(self) -> None:
        """Look after the sockets, until cancelled."""
        await self._heartbeat.run()

    async def _serve(self, socket: Socket) -> None:
        try:
            who = await self._first_message(socket)
            await self._signed_in(socket, who)
        except Refused as refused:
            await socket.close_for(refused.why)
        except ConnectionClosed:
            return
        except Exception:
            log.exception("a socket failed")
            await socket.close_for(Close.TRY_LATER)

    async def _first_message(self, socket: Socket) -> SignedIn:
        try:
            async with asyncio.timeout(self._settings.first_message_s):
                request = _understood(await socket.recv())
                if request.type != "authenticate":
                    raise Refused(Close.NOT_AUTHENTICATED)
                return await self._verified(request.access_token)
        except TimeoutError:
            raise Refused(Close.AUTHENTICATION_TIMEOUT) from None

    async def _verified(self, token: str) -> SignedIn:
        try:
            who = await self._verifier.verify(token)
        except ExpiredAccessToken:
            raise Refused(Close.EXPIRED) from None
        except InvalidAccessToken:
            raise Refused(Close.NOT_AUTHENTICATED) from None
        except KeysUnavailable:
            raise Refused(Close.TRY_LATER) from None
        if who.scopes is not None:  # an API token has no screen
            raise Refused(Close.NOT_AUTHENTICATED)
        return who

    async def _signed_in(self, socket: Socket, who: SignedIn) -> None:
        outlet = Outlet(who, self._settings.socket_queue, socket)
        beginning: asyncio.Task[None] | None = None
        try:
            attached = self._hub.attach(outlet, who, _after(socket))
            socket.attach(outlet)
            outlet.greet(self._hub.greeting(attached))
            beginning = asyncio.create_task(self._begin(outlet, attached))
            expiry = Expiry(outlet, who)
            try:
                await self._read(socket, outlet, expiry)
            finally:
                expiry.cancel()
        finally:
            self._hub.detach(outlet)
            socket.detach()
            if beginning is not None:
                beginning.cancel()
            await socket.ended()

    async def _read(self, socket: Socket, outlet: Outlet, expiry: "Expiry") -> None:
        """The client's messages, until the socket closes. Raises Refused."""
        async for message in socket:
            request = _understood(message)
            if request.type == "ping":
                outlet.offer(Push(messages.PONG, "pong"))
                continue
            who = await self._verified(request.access_token)
            self._hub.renew(outlet, who)
            expiry.renew(who)
            outlet.offer(Push(messages.AUTHENTICATED, "authenticated"))

    async def _begin(self, outlet: Outlet, attached: Attached) -> None:
        try:
            outlet.begin(await self._past(outlet, attached))
        except Exception:
            log.exception("a replay failed")
            outlet.end(Close.TRY_LATER)

    async def _past(self, outlet: Outlet, attached: Attached) -> list[Push]:
        from_kafka: list[Entry] = []
        if attached.missing is not None:
            try:
                from_kafka = await self._read_replay(attached.partition, *attached.missing, outlet.user_id)
            except ReplayExpired:
                return [self._hub.expired(outlet)]
            except ReplayUnavailable as error:
                log.warning("a replay failed", error=str(error))
                outlet.end(Close.TRY_LATER)
                return []
        try:
            return self._hub.past(attached, from_kafka, utc_now(), self._settings.replay_events)
        except ReplayExpired:
            return [self._hub.expired(outlet)]


class Expiry:
    """Ends the socket when its sign-in is over, unless renewed."""

    def __init__(self, outlet: Outlet, who: SignedIn) -> None:
        self._outlet = outlet
        self._timer = self._set(who.expires_at)

    def renew(self, who: SignedIn) -> None:
        """The sign-in lasts longer now."""
        self._timer.cancel()
        self._timer = self._set(who.expires_at)

    def cancel(self) -> None:
        """The socket is gone."""
        self._timer.cancel()

    def _set(self, at: datetime) -> asyncio.TimerHandle:
        left = max(0.0, (at - datetime.now(UTC)).total_seconds())
        return asyncio.get_running_loop().call_later(left, self._outlet.end, Close.EXPIRED)


@asynccontextmanager
async def listening(stream: Stream, doors: Doors, settings: NotifierSettings) -> AsyncIterator[None]:
    """Serve sockets while the block runs. OSError when the port is taken."""
    async with serve(
        stream.serve,
        settings.host,
        settings.port,
        process_request=doors.answer,
        create_connection=Socket,
        compression=None,  # events are small; deflate costs memory per socket and time per push
        max_size=settings.max_message_bytes,
        max_queue=4,
        ping_interval=None,  # see `heartbeat`
        close_timeout=2,
        open_timeout=settings.first_message_s,
        server_header=None,
    ):
        beating = asyncio.create_task(stream.beat())
        try:
            yield
        finally:
            beating.cancel()


def _after(socket: Socket) -> str | None:
    """The cursor in the address, or None. What can't be a cursor is an invalid one, not none."""
    assert socket.request is not None
    given = parse_qs(urlsplit(socket.request.path).query).get("after")
    if not given:
        return None
    return given[-1] if _CURSOR.fullmatch(given[-1]) else "-"


def _understood(message: str | bytes) -> messages.Request:
    if isinstance(message, bytes):
        raise Refused(Close.NOT_TEXT)
    try:
        return read_request(message)
    except NotUnderstood:
        raise Refused(Close.NOT_UNDERSTOOD) from None
