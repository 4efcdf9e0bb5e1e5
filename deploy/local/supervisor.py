"""Restarting what dies, with growing pauses, and giving up on what can't live."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.local.child import Child, Tell

_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)  # the fifth death in vain is the last


class GaveUp(RuntimeError):
    """A part dies again and again; the message says which, how, and its last words."""


class Backoff:
    """The pause before the next start, by how often the process died before it was of use."""

    def __init__(self) -> None:
        self._in_vain = 0

    def after(self, *, proved: bool) -> float | None:
        """Seconds to wait; None: give up, it was the fifth death in a row before it had proved itself."""
        self._in_vain = 0 if proved else self._in_vain + 1
        if self._in_vain >= len(_PAUSES_S):
            return None
        return _PAUSES_S[max(0, self._in_vain - 1)]


async def keep_alive(
    child: Child,
    proved: Callable[[], Awaitable[None]],
    revive: Callable[[Child], Awaitable[None]],
    tell: Tell,
) -> None:
    """Say each death of the child and `revive` it. Runs until cancelled; raises GaveUp.

    `proved` returns when the child has shown that it can live, e.g. is ready.
    """
    backoff = Backoff()
    while True:
        proving = asyncio.ensure_future(proved())
        try:
            ending = await child.unexpected_end()
        finally:
            proving.cancel()
        words = child.last_error()
        death = f"{child.name} died ({ending})" + (f": {words}" if words else "")
        pause = backoff.after(proved=proving.done() and not proving.cancelled())
        if pause is None:
            raise GaveUp(f"{death}; it never got going, giving up. Its log: {child.log}")
        tell(f"{death}; restarting it in {pause:g} s")
        await asyncio.sleep(pause)
        if child.pid is None:  # else it was started meanwhile, after the broker came back
            await revive(child)
            tell(f"{child.name} is started again (process {child.pid})")
