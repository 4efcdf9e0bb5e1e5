"""How much one account, address or API token may ask for: a token bucket per key, in one number each.

The generic cell rate algorithm (ITU-T I.371): a key's number is the time by which all that it was granted
would have come at the even pace. It may lie ahead of now by as much as a burst takes.
"""

from typing import Generic, TypeVar
from uuid import UUID

Key = TypeVar("Key", bytes, UUID)
_MOST_KEYS = 50_000  # twice as many are kept at most; those that were quiet longest go first


class Quota(Generic[Key]):
    """Grants `burst` at once and `per_s` a second over time, to each key."""

    def __init__(self, per_s: float, burst: int, most_keys: int = _MOST_KEYS) -> None:
        self._interval_s = 1 / per_s
        self._ahead_s = (burst - 1) / per_s
        self._most_keys = most_keys
        self._recent: dict[Key, float] = {}
        self._earlier: dict[Key, float] = {}

    def wait_s(self, key: Key, now_s: float) -> float:
        """0 when granted, else in how many seconds it would be. `now_s`: of a clock that never steps."""
        due_s = self._recent.get(key)
        if due_s is None:
            due_s = self._earlier.get(key, now_s)
            if len(self._recent) >= self._most_keys:
                self._earlier, self._recent = self._recent, {}
        if due_s < now_s:
            due_s = now_s
        over_s = due_s - now_s - self._ahead_s
        self._recent[key] = due_s if over_s > 0 else due_s + self._interval_s
        return max(0.0, over_s)
