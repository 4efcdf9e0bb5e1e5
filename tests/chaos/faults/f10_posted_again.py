"""F10: the same send is posted five times, at once."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

TIMES = 5


async def prepare(arena: Arena) -> None:
    """Every send of this load."""
    arena.load.posts_per_send = TIMES


async def inject(arena: Arena) -> None:
    """The load does it."""
    await asyncio.sleep(arena.seconds)


FAULT = Fault("F10", "the same send posted five times", inject, prepare=prepare)
