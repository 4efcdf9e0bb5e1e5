"""Places in a list that is sorted by time: one string that an index holds, and cursors for clients.

A place is 13 digits of milliseconds and the 32 hex digits of the id, so its order is (time, id).
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime
from uuid import UUID

_PLACE = re.compile(r"[0-9]{13}[0-9a-f]{32}", re.ASCII)


class InvalidCursor(ValueError):
    """The client's cursor is not one that we gave."""


def place(at: datetime, id_: UUID) -> str:
    """Where a row stands."""
    return f"{int(at.timestamp() * 1000):013d}{id_.hex}"


def cursor(place_: str) -> str:
    """What the client gets to go on after this place; opaque to it."""
    return urlsafe_b64encode(place_.encode()).decode().rstrip("=")


def read_cursor(after: str | None) -> str | None:
    """The place behind a cursor; None at the start. Raises InvalidCursor."""
    if after is None:
        return None
    try:
        found = urlsafe_b64decode(after.encode("ascii") + b"==").decode("ascii")
    except (NotBase64, UnicodeError, ValueError):
        raise InvalidCursor from None
    if _PLACE.fullmatch(found) is None:
        raise InvalidCursor
    return found
