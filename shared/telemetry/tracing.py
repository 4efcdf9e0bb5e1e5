"""One trace from pixel to push: W3C trace context in HTTP and Kafka headers.

Sampling is decided where a trace begins; followers obey. An untraced hit costs one random number.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.settings import TelemetrySettings

KafkaHeaders = Sequence[tuple[str, bytes]]
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("kaifu")


def configure(service: str, settings: TelemetrySettings) -> TracerProvider:
    """Install the tracer of this process. Call `shutdown()` on what it returns before the end."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"kaifu-{service}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)),
    )
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, parent: Context | None = None, **attributes: Any
) -> Iterator[trace.Span]:
    """A span below `parent` (or the current one). Attributes: ids and counts, never a person."""
    with _tracer.start_as_current_span(name, context=parent, kind=kind, attributes=attributes) as current:
        yield current


def kafka_headers() -> list[tuple[str, bytes]]:
    """The current trace as Kafka headers; empty outside of one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return [(name, value.encode()) for name, value in carrier.items()]


def http_headers() -> dict[str, str]:
    """The current trace as HTTP headers."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def context_from_kafka(headers: KafkaHeaders) -> Context:
    """The trace that a Kafka message came in."""
    return _PROPAGATOR.extract(
        {name: value.decode("latin-1") for name, value in headers if value is not None}
    )


def context_from_http(headers: dict[str, str]) -> Context:
    """The trace that a request came in; names in lower case."""
    return _PROPAGATOR.extract(headers)
