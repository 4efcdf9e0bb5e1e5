"""A trace goes on through Kafka and HTTP headers."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span

from shared.telemetry.tracing import (
    context_from_http,
    context_from_kafka,
    http_headers,
    is_sampled,
    kafka_headers,
)


@pytest.fixture
def began() -> Iterator[trace.SpanContext]:
    with TracerProvider().get_tracer("test").start_as_current_span("begin") as span:
        yield span.get_span_context()


def test_kafka_headers_carry_the_trace(began: trace.SpanContext) -> None:
    headers = kafka_headers()
    assert [name for name, _ in headers] == ["traceparent"]
    found = get_current_span(context_from_kafka([*headers, ("kaifu-reason", b"\xff")])).get_span_context()
    assert (found.trace_id, found.span_id, found.is_remote) == (began.trace_id, began.span_id, True)


def test_http_headers_carry_the_trace(began: trace.SpanContext) -> None:
    found = get_current_span(context_from_http(http_headers())).get_span_context()
    assert found.trace_id == began.trace_id


def test_outside_of_a_trace_there_are_none() -> None:
    assert kafka_headers() == []
    assert http_headers() == {}


@pytest.mark.parametrize(
    "value", [b"", b"\xff\xfe", b"00-xyz", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"]
)
def test_a_broken_trace_is_no_trace(value: bytes) -> None:
    found = get_current_span(context_from_kafka([("traceparent", value)])).get_span_context()
    assert not found.is_valid


@pytest.mark.parametrize(
    ("flags", "kept"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)]
)
def test_a_kept_trace_is_told_by_the_lowest_bit_of_the_flags(flags: str, kept: bool) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-{flags}".encode()
    assert is_sampled([("traceparent", parent)]) is kept
    assert is_sampled([("other", parent)]) is False


def test_what_is_no_traceparent_is_not_kept() -> None:
    assert is_sampled([("traceparent", b"01")]) is False
    assert is_sampled([]) is False
