"""F6: the database is killed and comes back on its files."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

_AWAY_S = (1.0, 4.0)
_EVERY_S = (3.0, 8.0)


async def inject(arena: Arena) -> None:
    """Again and again."""
    restarts = 0
    for _ in arena.lasting():
        await arena.stack.restart_database(arena.random.uniform(*_AWAY_S))
        restarts += 1
        await asyncio.sleep(arena.random.uniform(*_EVERY_S))
    arena.facts["restarts"] = restarts


FAULT = Fault("F6", "the database is restarted", inject)
