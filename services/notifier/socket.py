"""The library's connection, as an outlet writes to it."""

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from services.notifier.messages import PING, Close
from services.notifier.outlet import Outlet
from shared.telemetry.names import SOCKETS_CLOSED

_CLOSE_WITHIN_S = 5.0  # then the connection is cut: its other end does not read


class Socket(ServerConnection):
    """One socket. Frames are written as they are, past the library, which would make each anew for each
    socket: without extensions and fragments it has nothing to add. Closing stays with it."""

    _outlet: Outlet | None = None
    _closing: asyncio.Task[None] | None = None
    _heard = True  # since the last ping

    def attach(self, outlet: Outlet) -> None:
        """Tell the outlet from now on how the client does."""
        self._outlet = outlet
        if self.paused:
            outlet.pause()

    def detach(self) -> None:
        """The outlet is of no use any more."""
        self._outlet = None

    def write(self, frame: bytes) -> None:
        """A whole frame; none on a connection that was lost just now: who reads from it will notice."""
        try:
            self.transport.write(frame)
        except RuntimeError:
            self._stop_outlet()

    def send_data(self) -> None:
        """What the library has to say. After a close frame nothing may follow."""
        super().send_data()
        if self.protocol.state is not State.OPEN:
            self._stop_outlet()

    def _stop_outlet(self) -> None:
        if self._outlet is not None:
            self._outlet.stop()

    def data_received(self, data: bytes) -> None:
        """Whatever a client says, it is there."""
        self._heard = True
        super().data_received(data)

    def beat(self) -> None:
        """Ping, or cut."""
        if self._heard:
            self._heard = False
            self.write(PING)
        else:
            SOCKETS_CLOSED.labels("silent").inc()
            self.transport.abort()

    def pause_writing(self) -> None:
        """The system's buffers and our own hold what the client has not read yet."""
        super().pause_writing()
        if self._outlet is not None:
            self._outlet.pause()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        super().resume_writing()
        if self._outlet is not None:
            self._outlet.flush()

    def end(self, why: Close) -> None:
        """Begin to close."""
        self._closing = asyncio.create_task(self.close_for(why))

    async def ended(self) -> None:
        """Wait for what `end` has begun: its reason may still have to be said."""
        if self._closing is not None:
            await self._closing

    async def close_for(self, why: Close) -> None:
        """Say why, and close."""
        SOCKETS_CLOSED.labels(why.name.lower()).inc()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self.close(why, _SENTENCES[why])
        except TimeoutError:
            self.transport.abort()


_SENTENCES = {
    Close.NOT_TEXT: "send text",
    Close.NOT_UNDERSTOOD: "no message of this protocol",
    Close.TOO_MANY_SOCKETS: "too many connections of this user",
    Close.RESTARTING: "service restart",
    Close.TRY_LATER: "try again later",
    Close.NOT_AUTHENTICATED: "not authenticated",
    Close.REVOKED: "sign-in revoked",
    Close.AUTHENTICATION_TIMEOUT: "authentication timeout",
    Close.EXPIRED: "sign-in expired",
    Close.TOO_SLOW: "too slow; resume with the last cursor",
}
