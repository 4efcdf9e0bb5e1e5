"""The protocol of `/v1/stream`: JSON text messages, built and framed once per event, not once per socket.

Client: `{"type":"authenticate","access_token":…}` first, within five seconds, and again before the
sign-in expires; `{"type":"ping"}` at will.
Server: `ready` after the first authentication, then
- `event` with a `cursor` and the event of the topic `notifications` as it was published; for a notification
  that the client only counts, without a pop-up, with `silent`, the reason,
- `summary` with the `count` of pop-ups older than five minutes, the `notification_ids` of the newest of
  them, and a `cursor`,
- `resync` with a `reason` and a `cursor`: events may be missing, load afresh, go on from here,
- `authenticated` and `pong` as answers.
A client keeps the newest `cursor` that it got and resumes with `?after=<cursor>`. It shows an event
id once: what was written just before a connection broke may come again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

import orjson

from services.notifier.policy import Silence
from services.notifier.rules import ResyncReason


class Close(IntEnum):
    """Why the server ends a socket."""

    NOT_TEXT = 1003
    NOT_UNDERSTOOD = 1008
    TOO_MANY_SOCKETS = 4428
    RESTARTING = 1012
    TRY_LATER = 1013
    NOT_AUTHENTICATED = 4401
    REVOKED = 4403
    AUTHENTICATION_TIMEOUT = 4408
    EXPIRED = 4410
    TOO_SLOW = 4429


class Push(NamedTuple):
    """A message on its way to sockets, as a whole WebSocket frame. `type` is for the metrics; `occurred_at`
    only where the time from the event to the screen matters."""

    frame: bytes
    type: str
    occurred_at: datetime | None = None


def framed(message: bytes) -> bytes:
    """A text message as one frame (RFC 6455, 5.2): final, unmasked, without extensions."""
    length = len(message)
    if length < 126:
        return b"\x81%c%b" % (length, message)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2), message)
    return b"\x81\x7f%b%b" % (length.to_bytes(8), message)


PING = b"\x89\x00"
PONG = framed(b'{"type":"pong"}')
AUTHENTICATED = framed(b'{"type":"authenticated"}')


def ready(cursor: str) -> bytes:
    """The socket is served from this cursor on."""
    return framed(b'{"type":"ready","cursor":"%b"}' % cursor.encode())


def event(cursor: str, body: bytes, silent: Silence | None = None) -> bytes:
    """`body` is a JSON object already."""
    if silent is not None:
        head = b'{"type":"event","cursor":"%b","silent":"%b"' % (cursor.encode(), silent.encode())
        return framed(b'%b,"event":%b}' % (head, body))
    return framed(b'{"type":"event","cursor":"%b","event":%b}' % (cursor.encode(), body))


def summary(cursor: str, count: int, newest: Sequence[str]) -> bytes:
    """So many pop-ups were missed, the newest of them these."""
    told = {"type": "summary", "count": count, "notification_ids": newest, "cursor": cursor}
    return framed(orjson.dumps(told))


def resync(cursor: str, reason: ResyncReason) -> bytes:
    """The client's cursor leads nowhere."""
    return framed(b'{"type":"resync","reason":"%b","cursor":"%b"}' % (reason.encode(), cursor.encode()))


class NotUnderstood(ValueError):
    """The client's message is none of the protocol; the reason is for the close frame."""


@dataclass(frozen=True, slots=True)
class Request:
    """A client's message."""

    type: Literal["authenticate", "ping"]
    access_token: str = ""


def read_request(message: str | bytes) -> Request:
    """What the client says. Raises NotUnderstood."""
    try:
        content = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise NotUnderstood("not JSON") from None
    match content:
        case {"type": "ping"}:
            return Request("ping")
        case {"type": "authenticate", "access_token": str(token)}:
            return Request("authenticate", token)
    raise NotUnderstood("no message of this protocol")
