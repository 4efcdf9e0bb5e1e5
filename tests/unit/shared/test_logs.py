"""Logs: JSON lines with their trace, without a person or a secret."""

import base64
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.logs import REDACTED, redact
from shared.tokens.keyring import KeyRing, create
from shared.tokens.tracking import PixelToken, seal_pixel

SEALED = [
    base64.urlsafe_b64encode(bytes((1, key_id)) + bytes(range(100, 150))).rstrip(b"=").decode()
    for key_id in range(256)
]


@pytest.mark.parametrize(
    "secret",
    [
        "rep@kaifu.example",
        "田中@例え.jp",
        "a+tag@sub.example.co.jp",
        "https://t.kaifu.example/o/" + SEALED[1] + ".gif",
        "/c/" + SEALED[1],
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        *SEALED,
    ],
)
def test_what_may_not_stand_in_a_log_is_blanked(secret: str) -> None:
    for text in (secret, f"refused: {secret}, again", f"'{secret}'", f"<{secret}>", f"token={secret}"):
        kept = redact(text)
        assert REDACTED in kept
        assert secret.rsplit("/", 1)[-1].removesuffix(".gif") not in kept


@given(key_id=st.integers(0, 255))
def test_a_real_token_of_any_key_is_blanked(key_id: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    from uuid import uuid4

    file = tmp_path_factory.mktemp("ring") / "ring.json"
    create(file)
    ring = KeyRing(key_id, {key_id: KeyRing.load(file).keys[1]})
    assert redact(seal_pixel(ring, PixelToken(uuid4(), uuid4()))) == REDACTED


@pytest.mark.parametrize(
    "text",
    [
        "consumed 12 of email.hits in 3 ms",
        "0190f3c4-7c00-7000-8000-00000000000a",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "port 8801 on 127.0.0.1 is taken",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redact(text) == text


PROGRAM = """
import logging, structlog
from shared.settings import TelemetrySettings
from shared.telemetry import logs, tracing
logs.configure("ingest", "INFO")
tracing.configure("ingest", TelemetrySettings(trace_ratio=1.0))
log = structlog.get_logger("here")
with tracing.span("outer"):
    log.info("in a trace", who="rep@kaifu.example", deep={"to": ["a@example.org", 7, None]}, flag=True)
    logging.getLogger("a.library").warning("mail for %s", "b@example.org")
log.info("outside", thing=object(), data=b"c@example.org")
try:
    raise ValueError("d@example.org")
except ValueError:
    log.exception("failed")
log.debug("too fine")
logging.getLogger("httpx").info("GET https://example.org/?token=1")
"""


def test_logs_are_json_with_the_trace_and_redacted_at_every_depth() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    inside, library, outside, failed = [json.loads(line) for line in done.stderr.splitlines()]
    assert (inside["event"], inside["service"], inside["level"]) == ("in a trace", "ingest", "info")
    assert inside["deep"] == {"to": [REDACTED, 7, None]}
    assert inside["flag"] is True
    assert len(inside["trace_id"]) == 32
    assert (library["trace_id"], library["span_id"]) == (inside["trace_id"], inside["span_id"])
    assert library["event"] == f"mail for {REDACTED}"
    assert "trace_id" not in outside
    assert "ValueError" in failed["exception"]
    assert "example.org" not in done.stderr
    assert "kaifu.example" not in done.stderr
