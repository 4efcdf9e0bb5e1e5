"""How cost grows when there is ten and a hundred times as much: of partitions, live messages, records."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from bench import growth_crm, growth_tracker
from bench.results import Figure
from deploy.local.stack import Stack


async def measure(fresh: Callable[..., AbstractAsyncContextManager[Stack]]) -> list[Figure]:
    """`growth_tracker_partitions`, `growth_tracker_messages`, `growth_crm_…`."""
    tracker = [await growth_tracker.partitions(fresh), await growth_tracker.messages(fresh)]
    async with fresh(growth_crm.SERVICES) as stack:
        return [*tracker, *await growth_crm.measure(stack)]
