"""The way out to one socket: a bounded queue, and the reason for its end."""

import asyncio
from collections import deque
from uuid import UUID

from services.notifier.messages import Close, Push
from shared.auth.tokens import SignedIn


class Outlet:
    """Filled by the hub, emptied by the socket's writer.

    `from_offset`: events below it have been seen, or come by the replay.
    """

    def __init__(self, who: SignedIn, limit: int) -> None:
        self.user_id: UUID = who.user_id
        self.sign_in_id: UUID = who.sign_in_id
        self.from_offset = 0
        self.ended = asyncio.Event()
        self.why: Close | None = None
        self._limit = limit
        self._waiting: deque[Push] = deque()
        self._wake = asyncio.Event()

    def offer(self, push: Push) -> None:
        """Queue a message. A full queue ends the socket: its client resumes with its last cursor."""
        if self.ended.is_set():
            return
        if len(self._waiting) >= self._limit:
            self.end(Close.TOO_SLOW)
            return
        self._waiting.append(push)
        self._wake.set()

    def end(self, why: Close) -> None:
        """Close the socket; the first reason counts."""
        if not self.ended.is_set():
            self.why = why
            self.ended.set()

    async def take(self) -> Push:
        """The next message, in order."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()
