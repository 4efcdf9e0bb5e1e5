"""F1: kill -9 of each service every few seconds; its supervisor starts it again."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

_EVERY_S = (1.0, 3.0)


async def inject(arena: Arena) -> None:
    """Each service in turn, so that each dies; which of its workers is left to the seed."""
    killed = 0
    services = list(arena.stack.workers)
    for _ in arena.lasting():
        service = services[killed % len(services)]
        arena.random.choice(arena.stack.workers[service]).kill()
        killed += 1
        await asyncio.sleep(arena.random.uniform(*_EVERY_S))
    arena.facts["kills"] = killed
    await arena.stack.ready()


FAULT = Fault("F1", "kill -9 of each service every few seconds", inject)
