"""Cursors from clients."""

from services.crm.problems import INVALID_CURSOR
from services.crm.rules.places import InvalidCursor, read_cursor
from shared.http.problems import Problem

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


def place_of(after: str | None) -> str | None:
    """The place behind the client's cursor, or Problem 422."""
    try:
        return read_cursor(after)
    except InvalidCursor:
        raise Problem(INVALID_CURSOR, "Begin without `after`, then pass `next` of each answer.") from None
