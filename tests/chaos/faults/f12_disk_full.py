"""F12: the broker is away and the spool is full: the send API refuses, GIFs and redirects are still served.

What was served then is lost, and counted: no reader is told, since a mail reader can do nothing about it.
"""

import asyncio

from tests.chaos.arena import Arena
from tests.chaos.rounds import Fault
from tests.chaos.wire import Wire
from tests.fault_proxy import Fault as Network

_SPOOL_BYTES = 1 << 20  # the least that the settings allow
_PADDING = "x" * 250
_PADDED = ("accept", "accept_language", "from", "purpose", "sec_purpose", "via", "x_moz")
_FULL_WITHIN_S = 120.0
_LOST = "kaifu_hits_lost_total"


async def prepare(arena: Arena) -> None:
    """A small spool, and hits that need much room in it."""
    await arena.stack.ingest.restart(KAIFU_INGEST_SPOOL_MAX_BYTES=str(_SPOOL_BYTES))
    await arena.stack.ready()
    arena.load.evidence = dict.fromkeys(_PADDED, _PADDING)


async def inject(arena: Arena) -> None:
    """Until it is full, and for a while after that."""
    await arena.stack.broker_proxy.set(Network.REFUSED)
    async with asyncio.timeout(_FULL_WITHIN_S):
        while not await arena.stack.ingest.metric(_LOST):
            await asyncio.sleep(0.2)
    begun, before = arena.load.number, len(arena.load.record.hits)
    await asyncio.sleep(arena.seconds)
    refused = await _problem(arena)
    served, asked = len(arena.load.record.hits) - before, arena.load.number - begun
    await arena.stack.broker_proxy.set(Network.NONE)
    arena.facts |= {"served_while_full": served, "send_api_said": refused}
    assert refused.endswith("storage-full"), f"the send API said {refused}"
    assert served > 0.9 * asked - len(arena.load.mails), f"only {served} of {asked} were served"


async def after(arena: Arena) -> None:
    """What is lost is what was counted as lost."""
    async with asyncio.timeout(_FULL_WITHIN_S):
        while await arena.stack.ingest.metric("kaifu_spool_records") != 0:
            await asyncio.sleep(0.5)
    counted = int(await arena.stack.ingest.metric(_LOST) or 0)
    await arena.broker.catch_up()
    there = {number for number, _ in arena.broker.on_kafka(arena.load.agent, frozenset()).hits}
    missing = arena.load.record.hits.keys() - there
    arena.facts |= {"lost_and_counted": counted, "lost": len(missing)}
    assert 0 < len(missing) <= counted, f"{len(missing)} are missing, {counted} are counted as lost"
    for number in missing:
        del arena.load.record.hits[number]
    await arena.stack.ingest.restart(KAIFU_INGEST_SPOOL_MAX_BYTES=str(4 << 30))
    await arena.stack.ready()


async def _problem(arena: Arena) -> str:
    """The type of what the send API answers to a prepare."""
    wire = Wire(arena.stack.ports["ingest"])
    try:
        answer = await arena.load.ask_to_prepare(wire, "while the disk is full")
        return str(answer.json().get("type")) if answer.status == 503 else f"status {answer.status}"
    finally:
        wire.close()


FAULT = Fault("F12", "the spool is full", inject, prepare=prepare, after=after)
