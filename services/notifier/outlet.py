"""The way out to one socket: what can't be written yet waits in a bounded queue; and the socket's end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from services.notifier.messages import Close, Push
from shared.auth.tokens import SignedIn
from shared.telemetry.names import PUSH_LATENCY, PUSHES


class Wire(Protocol):
    """A socket. It calls `Outlet.flush` when it can be written again."""

    def can_write(self) -> bool:
        """Whether the client reads as fast as it is written to."""

    def write(self, frame: bytes) -> None:
        """Hand a whole WebSocket frame to the system, without waiting."""

    def end(self, why: Close) -> None:
        """Begin to close it."""


class Outlet:
    """Filled by the hub. While the client keeps up, each message is written at once: a queue and a task to
    empty it, for each socket and event, cost three times as much.

    `from_offset`: events below it have been seen, or come by the replay.
    """

    __slots__ = (
        "_begun",
        "_limit",
        "_past",
        "_waiting",
        "_wire",
        "from_offset",
        "sign_in_id",
        "user_id",
        "why",
    )

    def __init__(self, who: SignedIn, limit: int, wire: Wire) -> None:
        self.user_id: UUID = who.user_id
        self.sign_in_id: UUID = who.sign_in_id
        self.from_offset = 0
        self.why: Close | None = None
        self._limit = limit
        self._wire = wire
        self._begun = False
        self._past: list[Push] = []
        self._waiting: list[Push] = []

    def greet(self, push: Push) -> None:
        """The first message of all."""
        self._write(push)

    def begin(self, past: Sequence[Push]) -> None:
        """Write the past, then what was offered meanwhile, then whatever is offered."""
        self._begun = True
        self._past = list(past)
        self.flush()

    def offer(self, push: Push) -> None:
        """Write a message or queue it. A full queue ends the socket: its client resumes with its cursor."""
        if self.why is not None:
            return
        if self._begun and not self._waiting and not self._past and self._wire.can_write():
            self._write(push)
        elif len(self._waiting) < self._limit:
            self._waiting.append(push)
        else:
            self.end(Close.TOO_SLOW)

    def flush(self) -> None:
        """Write what waits, as far as the client reads."""
        if self._begun:
            self._write_some(self._past)
        if self._begun and not self._past:
            self._write_some(self._waiting)

    def end(self, why: Close) -> None:
        """Close the socket; the first reason counts."""
        if self.why is None:
            self.why = why
            self._wire.end(why)

    def _write_some(self, queue: list[Push]) -> None:
        written = 0
        while written < len(queue) and self.why is None and self._wire.can_write():
            self._write(queue[written])
            written += 1
        del queue[:written]

    def _write(self, push: Push) -> None:
        self._wire.write(push.frame)
        _pushes_of(push.type).inc()
        if push.occurred_at is not None:
            took_s = (datetime.now(UTC) - push.occurred_at).total_seconds()
            PUSH_LATENCY.observe(max(0.0, took_s))  # the hit's clock may be another machine's


@cache
def _pushes_of(kind: str) -> Counter:
    return PUSHES.labels(kind)
