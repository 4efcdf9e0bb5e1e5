"""Prometheus's registry as OpenTelemetry's data points."""

from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Sum
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PromCounter
from prometheus_client import Gauge as PromGauge
from prometheus_client import Histogram as PromHistogram

from shared.telemetry.otlp_metrics import metrics_of


def test_names_labels_values_and_buckets_are_kept() -> None:
    registry = CollectorRegistry()
    count = PromCounter("hits_total", "Hits", ["endpoint"], registry=registry)
    count.labels("pixel").inc(3)
    count.labels("link").inc()
    PromGauge("spool_bytes", "Size", registry=registry).set(7)
    took = PromHistogram("push_seconds", "Time", ["of"], registry=registry, buckets=(0.1, 1, 5))
    for seconds in (0.05, 0.07, 0.5, 30):
        took.labels("a").observe(seconds)
    made = {metric.name: metric for metric in metrics_of(registry.collect(), 10, 20)}
    assert {name: metric.unit for name, metric in made.items()} == {
        "hits_total": "1",
        "spool_bytes": "By",
        "push_seconds": "s",
    }
    hits = made["hits_total"].data
    assert isinstance(hits, Sum)
    assert (hits.is_monotonic, hits.aggregation_temporality) == (True, AggregationTemporality.CUMULATIVE)
    values = {(point.attributes or {})["endpoint"]: point.value for point in hits.data_points}
    assert values == {"pixel": 3, "link": 1}
    assert isinstance(made["spool_bytes"].data, Gauge)
    pushes = made["push_seconds"].data
    assert isinstance(pushes, Histogram)
    (point,) = pushes.data_points
    assert (point.attributes, point.start_time_unix_nano, point.time_unix_nano) == ({"of": "a"}, 10, 20)
    assert list(point.explicit_bounds) == [0.1, 1.0, 5.0]
    assert list(point.bucket_counts) == [2, 1, 0, 1]
    assert (point.count, round(point.sum, 2)) == (4, 30.62)


def test_a_metric_with_labels_that_was_never_set_is_left_out() -> None:
    registry = CollectorRegistry()
    PromCounter("never_total", "Never", ["why"], registry=registry)
    PromHistogram("nor_seconds", "Nor", ["why"], registry=registry)
    assert list(metrics_of(registry.collect(), 1, 2)) == []
