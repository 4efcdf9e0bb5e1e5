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
    message_id = prepared["message_id"]
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        await screen.event(type="notification_raised", message_id=message_id)

    pushed = await _push_span(collector, message_id)
    judged = await collector.edge(("ingest", "pixel"), ("tracker", "judge"), pushed)
    raised = await collector.edge(("tracker", ""), ("notifier", "push"), pushed)
    stored = await collector.edge(("tracker", ""), ("crm", ""), pushed)
    assert {judged.child.trace, raised.child.trace, stored.child.trace} == {judged.parent.trace}
    assert judged.parent.parent == "", "the trace begins at the pixel"


async def _push_span(collector: Collector, message_id: str) -> str:
    """The trace of the notifier's push about a message, by the ids that it carries."""
    async with asyncio.timeout(10):
        while True:
            for span in collector.spans:
                if (span.service, span.name) == ("notifier", "push") and message_id in str(span.attributes):
                    return span.trace
            await asyncio.sleep(0.05)
