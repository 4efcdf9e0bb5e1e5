"""The metrics of `/metrics` by OTLP too: the same names, labels and values, read from the same registry.

The OpenTelemetry SDK has no way in for another registry's histograms (its specification's MetricProducer
is not there in Python), so its data points are made here and handed to its own exporter.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator

import structlog
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    DataT,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

from shared.settings import TelemetrySettings

log = structlog.get_logger(__name__)

_LAST_WITHIN_S = 5.0
_CUMULATIVE = AggregationTemporality.CUMULATIVE
Labels = tuple[tuple[str, str], ...]


class MetricsExport:
    """Sends what the registry holds, again and again, from a thread of its own."""

    def __init__(
        self,
        exporter: OTLPMetricExporter,
        service: str,
        interval_s: float,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._exporter = exporter
        self._resource = Resource.create({"service.name": f"kaifu-{service}"})
        self._interval_s = interval_s
        self._registry = registry
        self._started_ns = time.time_ns()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_repeatedly, name="otlp-metrics", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def shutdown(self) -> None:
        """Send the last state, within a few seconds."""
        self._stop.set()
        self._thread.join(_LAST_WITHIN_S)
        self._exporter.shutdown()

    def _send_repeatedly(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._interval_s)
            try:
                self._exporter.export(self._collected())
            except Exception as error:  # noqa: BLE001 - metrics must not end what they measure
                log.warning("metrics could not be sent", error=type(error).__name__)

    def _collected(self) -> MetricsData:
        metrics = list(metrics_of(self._registry.collect(), self._started_ns, time.time_ns()))
        scope = ScopeMetrics(InstrumentationScope("kaifu"), metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])


def begin(service: str, settings: TelemetrySettings) -> MetricsExport | None:
    """Export this process's metrics; None where no collector is set. Call `shutdown()` before the end."""
    if not settings.otlp_endpoint:
        return None
    exporter = OTLPMetricExporter(endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/metrics")
    export = MetricsExport(exporter, service, settings.otlp_metrics_interval_s)
    export.start()
    return export


def metrics_of(families: Iterable[Family], started_ns: int, now_ns: int) -> Iterator[Metric]:
    """Prometheus's families as OpenTelemetry's metrics, under the names that Prometheus shows."""
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        data: DataT
        if family.type == "histogram":
            data = Histogram(list(_distributions(family, started_ns, now_ns)), _CUMULATIVE)
        else:
            points = [
                NumberDataPoint(dict(sample.labels), started_ns, now_ns, sample.value)
                for sample in family.samples
                if sample.name == name
            ]
            data = Sum(points, _CUMULATIVE, is_monotonic=True) if name != family.name else Gauge(points)
        if data.data_points:
            yield Metric(name, family.documentation, _unit(family.name), data)


def _unit(name: str) -> str:
    """In UCUM, as OpenTelemetry wants it."""
    if name.endswith("_seconds"):
        return "s"
    return "By" if name.endswith("_bytes") else "1"


def _distributions(family: Family, started_ns: int, now_ns: int) -> Iterator[HistogramDataPoint]:
    """Prometheus's buckets count all below their bound; OpenTelemetry's count what is between two."""
    by_labels: defaultdict[Labels, list[Sample]] = defaultdict(list)
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        by_labels[labels].append(sample)
    for labels, samples in by_labels.items():
        below = [(float(one.labels["le"]), one.value) for one in samples if one.name.endswith("_bucket")]
        counts = [int(count) for _, count in sorted(below)]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=started_ns,
            time_unix_nano=now_ns,
            count=counts[-1],
            sum=next(one.value for one in samples if one.name.endswith("_sum")),
            bucket_counts=[after - before for before, after in zip([0, *counts], counts, strict=False)],
            explicit_bounds=[bound for bound, _ in sorted(below)[:-1]],
            min=None,  # type: ignore[arg-type] # optional in the protocol; the registry does not know them
            max=None,  # type: ignore[arg-type]
        )
