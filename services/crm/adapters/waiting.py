"""Waiting for one of several things."""

import asyncio


async def any_within(seconds: float, *events: asyncio.Event) -> None:
    """Until one of the events is set, at most so long."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
