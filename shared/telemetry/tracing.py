"""One trace from pixel to push: W3C trace context in HTTP and Kafka headers.

Sampling is decided where a trace begins; followers obey. An untraced hit costs one random number.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import random
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.settings import TelemetrySettings

KafkaHeaders = Sequence[tuple[str, bytes]]
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("kaifu")
_SAMPLED = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf]")
_CHOSEN = create_key("kaifu-chosen")
_ROOT_OF_CHOSEN = set_value(_CHOSEN, True, Context())
_ratio = 0.0


class _ChosenBefore(Sampler):
    """Samples what `begin` has chosen; asks the other sampler about the rest."""

    def __init__(self, rest: Sampler) -> None:
        self._rest = rest

    def should_sample(
        self, parent_context: Context | None, trace_id: int, *args: Any, **kwargs: Any
    ) -> SamplingResult:
        chosen = parent_context is not None and get_value(_CHOSEN, parent_context)
        sampler = ALWAYS_ON if chosen else self._rest
        return sampler.should_sample(parent_context, trace_id, *args, **kwargs)

    def get_description(self) -> str:
        return f"ChosenBefore({self._rest.get_description()})"


@dataclass(frozen=True, slots=True)
class Begun:
    """A span that its beginner ends, and the Kafka headers that continue its trace."""

    span: trace.Span
    kafka_headers: tuple[tuple[str, bytes], ...]


def configure(service: str, settings: TelemetrySettings) -> TracerProvider:
    """Install the tracer of this process. Call `shutdown()` on what it returns before the end."""
    global _ratio
    _ratio = settings.trace_ratio
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"kaifu-{service}"}),
        sampler=_ChosenBefore(ParentBased(TraceIdRatioBased(settings.trace_ratio))),
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


def begin(name: str) -> Begun | None:
    """Begin a trace with a server span, or None when it is not sampled: that costs one random number."""
    if random() >= _ratio:  # noqa: S311 - a sample, no secret
        return None
    span = _tracer.start_span(name, context=_ROOT_OF_CHOSEN, kind=SpanKind.SERVER)
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, Context()))
    return Begun(span, tuple((name, value.encode()) for name, value in carrier.items()))


def is_sampled(headers: KafkaHeaders) -> bool:
    """Whether a message belongs to a trace that is kept: the lowest bit of the flags (W3C, 3.2.3.3).

    Other bits come and go (OpenTelemetry sets 0x02, random trace id).
    """
    return any(name == "traceparent" and _SAMPLED.fullmatch(value or b"") for name, value in headers)


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
