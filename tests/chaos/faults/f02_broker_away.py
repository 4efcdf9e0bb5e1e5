"""F2: the broker is away for a minute under load. Pixels keep answering, then the spool drains."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault

_LOOK_EVERY_S = 0.5


async def inject(arena: Arena) -> None:
    """Killed, so that it also has to recover its logs."""
    await arena.stack.kill_broker()
    before, spooled = len(arena.load.record.hits), 0.0
    for _ in arena.lasting():
        await asyncio.sleep(_LOOK_EVERY_S)
        spooled = max(spooled, await arena.stack.ingest.metric("kaifu_spool_records") or 0)
    served = len(arena.load.record.hits) - before
    await arena.stack.start_broker()
    arena.facts |= {"served_meanwhile": served, "spooled": int(spooled)}
    assert spooled > 0, "nothing was spooled"
    assert served > 0, "nothing was served"


FAULT = Fault("F2", "the broker is away", inject)
