"""Times as the database keeps them."""

from datetime import UTC, datetime


def to_milliseconds(at: datetime) -> datetime:
    """UTC without what is finer than a millisecond: BSON keeps no more, and what is read back must
    equal what was written."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
