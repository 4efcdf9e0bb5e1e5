"""An OTLP/HTTP collector of the test's own: a real listener that decodes what services export."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """A span as exported; ids in hex, `parent` "" at the root."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """A span and the span above it."""

    parent: Span
    child: Span


Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Point:
    """The value of a metric as exported; of a distribution: bucket counts by upper bound, and the sum."""

    kind: str
    value: float
    buckets: tuple[tuple[float, int], ...] = ()


class Collector:
    """All spans that came, and the newest metrics."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._spans: list[Span] = []
        self._metrics: dict[tuple[str, str], dict[Labels, Point]] = {}
        self._lock = threading.Lock()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of one export."""
        with self._lock:
            self._spans.extend(_spans(request))

    def take_metrics(self, request: ExportMetricsServiceRequest) -> None:
        """Keep the newest state of each metric, by service."""
        with self._lock:
            for (service, name), points in _metrics(request):
                self._metrics[service, name] = points

    def metric(self, service: str, name: str) -> dict[Labels, Point]:
        """The newest values by labels; empty while none has come."""
        with self._lock:
            return dict(self._metrics.get((service, name), {}))

    def metric_names(self, service: str) -> set[str]:
        """The metrics that a service has exported."""
        with self._lock:
            return {name for of, name in self._metrics if of == service}

    @property
    def spans(self) -> list[Span]:
        """What came until now."""
        with self._lock:
            return list(self._spans)

    def edges(self, trace: str) -> list[Edge]:
        """Parent and child of each span of a trace whose parent came too."""
        known = {span.id: span for span in self.spans if span.trace == trace}
        return [Edge(known[span.parent], span) for span in known.values() if span.parent in known]

    async def edge(self, parent: tuple[str, str], child: tuple[str, str], trace: str) -> Edge:
        """The edge between two spans of a trace, each (service, name). Waits for its export."""
        return await self._found(
            lambda: (
                edge
                for edge in self.edges(trace)
                if (edge.parent.service, edge.parent.name) == parent
                and (edge.child.service, edge.child.name) == child
            ),
            f"{parent} -> {child} in trace {trace}",
        )

    async def span(self, service: str, name: str, **attributes: str) -> Span:
        """A span of a service with these attributes. Waits for its export."""
        return await self._found(
            lambda: (
                span
                for span in self.spans
                if (span.service, span.name) == (service, name)
                and attributes.items() <= span.attributes.items()
            ),
            f"{service} {name} {attributes}",
        )

    async def _found(self, look: Callable[[], Iterator[T]], what: str) -> T:
        try:
            async with asyncio.timeout(20):
                while True:
                    for found in look():
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            known = sorted({f"{span.service} {span.name} {sorted(span.attributes)}" for span in self.spans})
            raise AssertionError(f"{what} was not exported; known are: {known}") from None


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        named = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=named["service.name"].removeprefix("kaifu-"),
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    attributes={one.key: one.value.string_value for one in span.attributes},
                )


def _metrics(
    request: ExportMetricsServiceRequest,
) -> Iterator[tuple[tuple[str, str], dict[Labels, Point]]]:
    for resource in request.resource_metrics:
        named = {one.key: one.value.string_value for one in resource.resource.attributes}
        service = named["service.name"].removeprefix("kaifu-")
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = str(metric.WhichOneof("data"))
                points = getattr(metric, kind).data_points
                yield (service, metric.name), {_labels(point): _point(kind, point) for point in points}


def _labels(point: Any) -> Labels:
    return frozenset((one.key, one.value.string_value) for one in point.attributes)


def _point(kind: str, point: Any) -> Point:
    if kind == "histogram":
        assert sum(point.bucket_counts) == point.count
        bounds = [*point.explicit_bounds, float("inf")]
        return Point(kind, point.sum, tuple(zip(bounds, point.bucket_counts, strict=True)))
    return Point(kind, point.as_double)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on a free loopback port, in a thread of its own."""

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/metrics":
                collector.take_metrics(ExportMetricsServiceRequest.FromString(body))
                answer = ExportMetricsServiceResponse().SerializeToString()
            else:
                assert self.path == "/v1/traces"
                collector.take(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
