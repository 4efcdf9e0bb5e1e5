"""A rep's screen: the WebSocket to the notifier, with what it was told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]


class NotTold(TimeoutError):
    """The awaited frame did not come in time, or the socket closed first."""


class Screen:
    """Collects the frames of one socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._changed = asyncio.Condition()
        self.frames: list[Frame] = []
        self.closed: ConnectionClosed | None = None

    @property
    def cursor(self) -> str:
        """The last cursor: what `?after=` resumes from."""
        return str(next(frame["cursor"] for frame in reversed(self.frames) if "cursor" in frame))

    async def told(self, fits: Callable[[Frame], bool], within_s: float = 20.0) -> Frame:
        """The first frame, past or coming, that fits. Raises NotTold."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                while True:
                    for frame in self.frames:
                        if fits(frame):
                            return frame
                    if self.closed is not None:
                        raise NotTold(f"the socket closed: {self.closed}")
                    await self._changed.wait()
        except TimeoutError as error:
            if isinstance(error, NotTold):
                raise
            kinds = [frame.get("event", frame).get("type") for frame in self.frames]
            raise NotTold(f"not told within {within_s:g} s; told were {kinds}") from None

    async def event(self, within_s: float = 20.0, **fields: object) -> Frame:
        """The first event whose fields have these values."""
        wanted = {name: str(value) for name, value in fields.items()}

        def fits(frame: Frame) -> bool:
            event = frame.get("event", {})
            return bool(event) and all(str(event.get(name)) == value for name, value in wanted.items())

        return dict((await self.told(fits, within_s))["event"])

    async def say(self, frame: Frame) -> None:
        """Send a frame."""
        await self._socket.send(json.dumps(frame))

    async def _listen(self) -> None:
        try:
            async for text in self._socket:
                async with self._changed:
                    self.frames.append(json.loads(text))
                    self._changed.notify_all()
        except ConnectionClosed as closed:
            self.closed = closed
        async with self._changed:
            self.closed = self.closed or ConnectionClosed(None, None)
            self._changed.notify_all()


@asynccontextmanager
async def open_screen(push_url: str, token: str, after: str = "") -> AsyncIterator[Screen]:
    """An authenticated socket that is ready. Raises NotTold."""
    address = f"{push_url}/v1/stream" + (f"?after={after}" if after else "")
    async with connect(address, proxy=None) as socket:
        screen = Screen(socket)
        listening = asyncio.create_task(screen._listen())
        try:
            await screen.say({"type": "authenticate", "access_token": token})
            await screen.told(lambda frame: frame.get("type") == "ready")
            yield screen
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
