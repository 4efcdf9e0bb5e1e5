"""Who it may have been (B6): known, a set of candidates, or nobody named. Never a guess."""

from functools import lru_cache

from services.tracker.model import Sent


def candidates(sent: Sent, slot: int | None) -> tuple[int, ...]:
    """Recipient slots: the address's own when it was made for one, else all; empty when anonymous (P3)."""
    if sent.anonymous:
        return ()
    if slot is not None:
        return (slot,) if slot < sent.recipient_count else ()
    return _all(sent.recipient_count)


@lru_cache(maxsize=512)
def _all(count: int) -> tuple[int, ...]:
    return tuple(range(count))
