"""Every figure that an operator reads is measured: it moves when what it counts happens."""

from collections.abc import Awaitable, Callable

import pytest

from deploy.local.environment import SERVICES
from deploy.local.rep import Rep, follow_link, load_pixel, reading_time, until
from deploy.local.screen import open_screen
from deploy.local.stack import Stack
from shared.bus.producer import EventPublisher
from shared.events.catalogue import HITS, NOTIFICATIONS, SENDS
from shared.settings import KafkaSettings
from tests.integration.collector import Collector
from tests.integration.scraping import Values, scraped, total

pytestmark = pytest.mark.integration


def moved(
    stack: Stack, before: dict[str, Values], service: str, name: str, **labels: str
) -> Callable[[], Awaitable[bool | None]]:
    """Whether it is more than before."""

    async def look() -> bool | None:
        now = await scraped(stack, service)
        return total(now, name, **labels) > total(before[service], name, **labels) or None

    return look


async def test_what_is_counted_moves(stack: Stack, rep: Rep) -> None:
    """From the sign-in to the push: each service counts its part."""
    before = {service: await scraped(stack, service) for service in SERVICES}
    prepared = await rep.prepare(
        [{"address": "counted@recipient.example"}], ["https://example.com/"], log=True
    )
    await rep.confirm_sent(prepared)
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        await screen.event(type="notification_raised", message_id=prepared["message_id"])
        assert total(await scraped(stack, "notifier"), "kaifu_sockets") >= 1
        await reading_time()
        await follow_link(rep.http, prepared["links"][0]["tracked_url"])
        bad = await rep.http.get(stack.addresses["tracking_url"] + "/o/" + "A" * 60 + ".gif")
        assert bad.status_code == 200
    expected = [
        ("crm", "kaifu_database_seconds_count", {"command": "find"}),
        ("crm", "kaifu_database_seconds_count", {"command": "insert"}),
        ("crm", "kaifu_engagements_stored_total", {"kind": "open"}),
        ("crm", "kaifu_events_consumed_total", {"topic": SENDS.name}),
        ("crm", "kaifu_events_consumed_total", {"topic": HITS.name}),
        ("ingest", "kaifu_messages_prepared_total", {}),
        ("ingest", "kaifu_hits_total", {"endpoint": "pixel"}),
        ("ingest", "kaifu_hits_total", {"endpoint": "link"}),
        ("ingest", "kaifu_bad_tokens_total", {"endpoint": "pixel"}),
        ("ingest", "kaifu_events_published_total", {"topic": SENDS.name}),
        ("tracker", "kaifu_verdicts_total", {"kind": "open"}),
        ("tracker", "kaifu_verdicts_total", {"kind": "click"}),
        ("tracker", "kaifu_events_consumed_total", {"topic": HITS.name}),
        ("logger", "kaifu_log_decisions_total", {}),
        ("notifier", "kaifu_pushes_total", {"type": "notification_raised"}),
        ("notifier", "kaifu_push_latency_seconds_count", {}),
        ("notifier", "kaifu_events_consumed_total", {"topic": NOTIFICATIONS.name}),
    ]
    for service, name, labels in expected:
        await until(moved(stack, before, service, name, **labels), f"{service} {name} {labels}")


async def test_every_service_tells_its_lag_age_and_readiness(stack: Stack) -> None:
    reads = {
        "crm": {SENDS.name, HITS.name},
        "ingest": set(),
        "tracker": {SENDS.name, HITS.name},
        "logger": {SENDS.name},
        "notifier": {NOTIFICATIONS.name},
    }
    for service in SERVICES:
        values = await scraped(stack, service)
        assert total(values, "kaifu_service", service=service) == total(values, "kaifu_ready") == 1
        ages = [value for (name, _), value in values.items() if name == "kaifu_progress_age_seconds"]
        assert ages, service
        assert max(ages) < 20, service
        lagging = {dict(labels)["topic"] for name, labels in values if name == "kaifu_consumer_lag"}
        assert lagging >= reads[service], service


async def test_a_push_s_latency_falls_between_bounds_that_tell_something(stack: Stack, rep: Rep) -> None:
    """Neither in the first bucket nor beyond the last: the aim (20 ms) is within, and so is a machine's
    slowness."""
    prepared = await rep.prepare([{"address": "latency@recipient.example"}], [])
    await rep.confirm_sent(prepared)
    before = await scraped(stack, "notifier")
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        await screen.event(type="notification_raised", message_id=prepared["message_id"])
    await until(moved(stack, {"notifier": before}, "notifier", "kaifu_push_latency_seconds_count"), "a push")
    after = await scraped(stack, "notifier")
    bounds = sorted(
        float(dict(labels)["le"]) for name, labels in after if name == "kaifu_push_latency_seconds_bucket"
    )
    grown = [
        total(after, "kaifu_push_latency_seconds_bucket", le=_le(bound))
        - total(before, "kaifu_push_latency_seconds_bucket", le=_le(bound))
        for bound in bounds
    ]
    assert grown[0] == 0, "nothing takes less than the first bound"
    assert grown[-2] == grown[-1] >= 1, "nor longer than the last"
    assert len([bound for bound in bounds if 0.005 <= bound <= 0.05]) >= 5


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


async def test_what_can_t_be_processed_is_counted(stack: Stack) -> None:
    before = {service: await scraped(stack, service) for service in ("tracker", "crm")}
    publisher = EventPublisher(KafkaSettings(bootstrap=stack.addresses["broker"]))
    await publisher.start()
    try:
        await publisher.publish_raw(HITS.name, b"poison", b"{", ())
    finally:
        await publisher.stop()
    for service in before:
        dead = moved(
            stack, before, service, "kaifu_dead_letters_total", topic=HITS.name, reason="undecodable"
        )
        await until(dead, f"a dead letter of {service}")
    values = await scraped(stack, "tracker")
    assert total(values, "kaifu_consumer_stopped") == 0


async def test_a_collector_gets_the_same_metrics_by_otlp(stack: Stack, collector: Collector) -> None:
    """Names, labels and values of every service as `/metrics` has them."""
    for service in SERVICES:
        shown = {name for name, _ in await scraped(stack, service) if not name.endswith("_created")}
        distributions = {name.removesuffix("_bucket") for name in shown if name.endswith("_bucket")}
        parts = {f"{name}{part}" for name in distributions for part in ("_bucket", "_count", "_sum")}

        async def same(
            service: str = service, wanted: set[str] = (shown - parts) | distributions
        ) -> bool | None:
            return wanted <= collector.metric_names(service) or None

        await until(same, f"the metrics of {service}")
    values = await scraped(stack, "ingest")
    labels = next(labels for name, labels in values if name == "kaifu_hits_total")

    async def as_scraped() -> bool | None:
        now = (await scraped(stack, "ingest"))["kaifu_hits_total", labels]
        point = collector.metric("ingest", "kaifu_hits_total").get(labels)
        return True if point is not None and (point.kind, point.value) == ("sum", now) else None

    await until(as_scraped, "the same count of hits")
    ready = collector.metric("crm", "kaifu_ready")[frozenset()]
    assert (ready.kind, ready.value) == ("gauge", 1.0)
    pushes = collector.metric("notifier", "kaifu_push_latency_seconds")
    (latency,) = pushes.values()
    assert latency.kind == "histogram"
    assert latency.buckets[-1][0] == float("inf")
