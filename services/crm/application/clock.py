"""The present, as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

from services.crm.rules.times import to_milliseconds

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, in UTC, in whole milliseconds."""
    return to_milliseconds(datetime.now(UTC))
