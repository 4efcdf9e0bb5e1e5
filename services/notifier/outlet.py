"""The way out to one socket: what can't be written yet waits in a bounded queue; and the socket's end."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from services.notifier.messages import Close, Push
from shared.auth.tokens import SignedIn
from shared.telemetry.names import PUSH_LATENCY, PUSHES


class Wire(Protocol):
    """A socket. It says when the client reads too slowly (`Outlet.pause`), reads again (`Outlet.flush`), goes
    (`Outlet.stop`)."""

    def write(self, frame: bytes) -> None:
        """Hand a whole WebSocket frame to the system, without waiting."""

    def end(self, why: Close) -> None:
        """Begin to close it."""


class Outlet:
    """Filled by the hub. While the client keeps up, each message is written at once: a queue and a task to
    empty it, for each socket and event, cost three times as much.

    `from_offset`: events below it have been seen, or come by the replay.
    """

    __slots__ = ("_begun", "_direct", "_limit", "_past", "_paused", "_waiting", "_wire", "from_offset",
                 "sign_in_id", "user_id", "why")  # fmt: skip

    def __init__(self, who: SignedIn, limit: int, wire: Wire) -> None:
        self.user_id = str(who.user_id)
        self.sign_in_id = str(who.sign_in_id)
        self.from_offset = 0
        self.why: Close | None = None
        self._limit = limit
        self._wire = wire
        self._begun = False
        self._paused = False
        self._direct = False  # nothing stands before the next message
        self._past: list[Push] = []
        self._waiting: list[Push] = []

    def greet(self, push: Push) -> None:
        """The first message of all."""
        self._wire.write(push.frame)
        _count(push, 1)

    def begin(self, past: Sequence[Push]) -> None:
        """Write the past, then what was offered meanwhile, then whatever is offered."""
        self._begun = True
        self._past = list(past)
        self._write_waiting()

    def offer(self, push: Push) -> None:
        """Write a message or queue it."""
        if self.put(push):
            _count(push, 1)

    def put(self, push: Push) -> bool:
        """The same uncounted; whether it is written already. A full queue ends the socket: its client resumes
        with its last cursor."""
        if self._direct:
            self._wire.write(push.frame)
            return True
        if self.why is None:
            if len(self._waiting) < self._limit:
                self._waiting.append(push)
            else:
                self.end(Close.TOO_SLOW)
        return False

    def pause(self) -> None:
        """Write no more until `flush`."""
        self._paused = True
        self._direct = False

    def flush(self) -> None:
        """Go on, with what waits."""
        self._paused = False
        self._write_waiting()

    def stop(self) -> None:
        """Write nothing more at all: the client says goodbye."""
        self._begun = self._direct = False

    def end(self, why: Close) -> None:
        """Close the socket; the first reason counts."""
        if self.why is None:
            self.why = why
            self.stop()
            self._wire.end(why)

    def _write_waiting(self) -> None:
        for queue in (self._past, self._waiting):
            written = 0
            while written < len(queue) and self._begun and not self._paused:  # writing may pause it
                self._wire.write(queue[written].frame)
                _count(queue[written], 1)
                written += 1
            del queue[:written]
        self._direct = self._begun and not self._paused


def offer_event(push: Push, offset: int, outlets: Iterable[Outlet]) -> None:
    """Offer what stands at that offset to those who have not seen it."""
    written = 0
    for outlet in outlets:
        if offset >= outlet.from_offset and outlet.put(push):
            written += 1
    if written:
        _count(push, written)
        if push.occurred_at is not None:
            took_s = (datetime.now(UTC) - push.occurred_at).total_seconds()
            PUSH_LATENCY.observe(max(0.0, took_s))  # the hit's clock may be another machine's


def _count(push: Push, sockets: int) -> None:
    _pushes(push.type).inc(sockets)


@cache
def _pushes(kind: str) -> Any:
    return PUSHES.labels(kind)
