"""The library's connection, as an outlet writes to it."""

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from services.notifier.messages import Close
from services.notifier.outlet import Outlet
from shared.telemetry.names import SOCKETS_CLOSED

_CLOSE_WITHIN_S = 5.0  # then the connection is cut: its other end does not read


class Socket(ServerConnection):
    """One socket. Frames are written as they are, past the library, which would make each anew for each
    socket: without extensions and fragments it has nothing to add. Closing and pings stay with it."""

    outlet: Outlet | None = None
    _closing: asyncio.Task[None] | None = None

    def write(self, frame: bytes) -> None:
        """A whole frame; nothing once the socket is closing."""
        if self.protocol.state is State.OPEN:
            self.transport.write(frame)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self.outlet is not None:
            self.outlet.flush()

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
