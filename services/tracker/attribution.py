"""Who it may have been (B6): known, a set of candidates, or nobody named. Never a guess."""

from functools import lru_cache

from services.tracker.model import Hit, Sent


def candidates(sent: Sent, slot: int | None) -> tuple[int, ...]:
    """Recipient slots: the address's own when it was made for one, else all; empty when anonymous (P3)."""
    if sent.anonymous:
        return ()
    if slot is not None:
        return (slot,) if slot < sent.recipient_count else ()
    return _all(sent.recipient_count)


def is_believed(sent: Sent, hit: Hit) -> bool:
    """Of replies the message's own user's word alone; of fetches any."""
    return hit.told_by in (None, (sent.account_id, sent.user_id))


def replier(sent: Sent, slot: int | None) -> int | None:
    """Whose open a reply from this slot proves; None: anybody's, as nobody is to be told apart."""
    return None if sent.anonymous or sent.recipient_count == 1 else slot


def answered_slots(sent: Sent, slot: int | None) -> tuple[int | None, ...]:
    """Of which addresses a reply proves the open: the only recipient's address may name its slot or not."""
    return (None, 0) if sent.recipient_count == 1 else (replier(sent, slot),)


@lru_cache(maxsize=512)
def _all(count: int) -> tuple[int, ...]:
    return tuple(range(count))
