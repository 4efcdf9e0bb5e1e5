"""Restarting what dies, with growing pauses, and giving up on what can't live."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.local.child import Child, Tell

_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)  # the fifth quick death is the last
QUICK_S = 10.0  # a process that lived longer is no failed start


class GaveUp(RuntimeError):
    """A part dies again and again; the message says which, how, and its last words."""


class Backoff:
    """The pause before the next start, by how quickly the process died."""

    def __init__(self) -> None:
        self._quick_deaths = 0

    def after(self, lived_s: float) -> float | None:
        """Seconds to wait; None: give up, it was the fifth quick death in a row."""
        self._quick_deaths = self._quick_deaths + 1 if lived_s < QUICK_S else 0
        if self._quick_deaths >= len(_PAUSES_S):
            return None
        return _PAUSES_S[max(0, self._quick_deaths - 1)]


async def keep_alive(child: Child, revive: Callable[[Child], Awaitable[None]], tell: Tell) -> None:
    """Say each death of the child and `revive` it. Runs until cancelled; raises GaveUp."""
    backoff = Backoff()
    while True:
        ending = await child.unexpected_end()
        words = child.last_error()
        death = f"{child.name} died ({ending})" + (f": {words}" if words else "")
        pause = backoff.after(ending.lived_s)
        if pause is None:
            raise GaveUp(f"{death}; it died {len(_PAUSES_S)} times at once, giving up. Its log: {child.log}")
        tell(f"{death}; restarting it in {pause:g} s")
        await asyncio.sleep(pause)
        if child.pid is None:  # else it was started meanwhile, after the broker came back
            await revive(child)
            tell(f"{child.name} is started again (process {child.pid})")
