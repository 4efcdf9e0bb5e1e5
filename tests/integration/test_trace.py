"""One trace from the pixel to the push, through the Kafka headers."""

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

    trace = (await collector.span("tracker", "judge", event_id=pushed["hit_id"])).trace
    judged = await collector.edge(("ingest", "pixel"), ("tracker", "judge"), trace)
    await collector.edge(("tracker", "judge"), ("notifier", "push"), trace)
    await collector.edge(("tracker", "judge"), ("crm", "store engagements"), trace)
    assert judged.parent.parent == "", "the trace begins at the pixel"
