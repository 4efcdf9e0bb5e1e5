"""F3: a broker that accepts and never answers, that resets, and that answers five seconds late."""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault
from tests.fault_proxy import Fault as Network

_ONE_WAY_S = 2.5  # five seconds there and back
_SICK = (Network.SILENT, Network.RESET, Network.LATENCY)


async def inject(arena: Arena) -> None:
    """One after the other, with a healthy moment between."""
    proxy = arena.stack.broker_proxy
    for sickness in arena.random.sample(_SICK, len(_SICK)):
        await proxy.set(sickness, _ONE_WAY_S)
        await asyncio.sleep(arena.seconds / len(_SICK))
        await proxy.set(Network.NONE)
        await asyncio.sleep(1.0)


FAULT = Fault("F3", "a broker that is silent, resets, is 5 s late", inject, at_least_s=12.0)
