"""F4: SIGSTOP past the session timeout, then SIGCONT: a zombie writes nothing twice."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault
from tests.chaos.stack import SESSION_TIMEOUT_S

_BEYOND_S = (2.0, 5.0)


async def prepare(arena: Arena) -> None:
    """A second crm, so that somebody takes over."""
    await arena.stack.scale("crm", 2)
    await arena.stack.ready()


async def inject(arena: Arena) -> None:
    """One worker of each service with a group is suspended in the middle of its work."""
    suspended = 0
    workers = arena.stack.workers
    for _ in arena.lasting():
        chosen = [arena.random.choice(workers[service]) for service in ("tracker", "logger")]
        chosen += [workers["crm"][1], arena.random.choice(workers["notifier"])]
        for worker in chosen:
            worker.suspend()
        try:
            await asyncio.sleep(SESSION_TIMEOUT_S + arena.random.uniform(*_BEYOND_S))
        finally:
            for worker in chosen:
                worker.resume()
        suspended += len(chosen)
        await arena.stack.ready()
    arena.facts["suspended"] = suspended


async def after(arena: Arena) -> None:
    """As before."""
    await arena.stack.scale("crm", 1)


FAULT = Fault("F4", "SIGSTOP past the session timeout, then SIGCONT", inject, prepare=prepare, after=after)
