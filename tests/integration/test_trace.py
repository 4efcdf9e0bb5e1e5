"""One trace from the pixel to the push, through the Kafka headers."""

import asyncio

import pytest

from deploy.local.rep import Rep, load_pixel
from deploy.local.screen import open_screen
from deploy.local.stack import Stack
from tests.integration.collector import Collector

pytestmark = pytest.mark.integration


async def test_one_trace_leads_from_pixel_to_push_and_to_crm(
    stack: Stack, collector: Collector, rep: Rep
) -> None:
    prepared = await rep.prepare([{"address": "trace@recipient.example"}], [])
    await rep.confirm_sent(prepared)
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        pushed = await screen.event(type="notification_raised", message_id=prepared["message_id"])

    trace = await _trace_of(collector, pushed["hit_id"])
    judged = await collector.edge(("ingest", "pixel"), ("tracker", "judge"), trace)
    await collector.edge(("tracker", "judge"), ("notifier", "push"), trace)
    await collector.edge(("tracker", "judge"), ("crm", "store engagements"), trace)
    assert judged.parent.parent == "", "the trace begins at the pixel"


async def _trace_of(collector: Collector, hit_id: str) -> str:
    """The trace in which the tracker judged that hit."""
    async with asyncio.timeout(10):
        while True:
            for span in collector.spans:
                if (span.service, span.name) == ("tracker", "judge") and span.attributes[
                    "event_id"
                ] == hit_id:
                    return span.trace
            await asyncio.sleep(0.05)
