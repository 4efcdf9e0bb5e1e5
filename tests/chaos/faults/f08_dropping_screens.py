"""F8: WebSocket clients that drop every second see each id once, or are told to load afresh."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

_RESTART_EVERY_S = 10.0


async def inject(arena: Arena) -> None:
    """Meanwhile the replicas are upgraded in turn: a client resumes at one with the other's cursor."""
    restarts = 0
    for elapsed in arena.lasting():
        if elapsed >= restarts * _RESTART_EVERY_S:
            replicas = arena.stack.workers["notifier"]
            await replicas[restarts % len(replicas)].restart()
            restarts += 1
        await asyncio.sleep(0.5)
    await arena.stack.ready()
    arena.facts |= {
        "connections": sum(screen.connections for screen in arena.screens),
        "resyncs": sum(screen.resyncs for screen in arena.screens),
    }


FAULT = Fault("F8", "screens that drop every second", inject, drops_every_s=1.0, screens=8)
