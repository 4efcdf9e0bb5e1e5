"""Settings that several services share, from the environment. Each service adds its own."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PublicAddresses(BaseSettings):
    """The origins that browsers see. The tracking origin stands in sent mail for ever."""

    model_config = SettingsConfigDict(env_prefix="PUBLIC_")

    app_url: str = Field(default="http://127.0.0.1:8800", description="crm: pages, API, sign-in")
    api_url: str = Field(default="http://127.0.0.1:8801", description="ingest: the send API")
    tracking_url: str = Field(default="http://127.0.0.1:8802", description="ingest: pixels and links")
    push_url: str = Field(default="ws://127.0.0.1:8803", description="notifier: WebSocket")


class KafkaSettings(BaseSettings):
    """How the broker is reached, and its tempo."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_KAFKA_")

    bootstrap: str = "127.0.0.1:8810"
    partitions: int = Field(default=12, ge=1, description="of every email.* topic; never changed later")
    replication: int = Field(default=1, ge=1)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    session_timeout_ms: int = Field(default=30_000, description="a dead worker is replaced after this")
    heartbeat_interval_ms: int = 3_000
    fetch_max_wait_ms: int = Field(
        default=500,
        description="long poll of an empty fetch; the embedded broker sleeps half of it even when data "
        "arrives, so it is 5 to 20 there",
    )


class TelemetrySettings(BaseSettings):
    """Logs, traces, metrics."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_TELEMETRY_")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str = Field(default="", description="OTLP/HTTP base address of a collector; empty: none")
    otlp_metrics_interval_s: float = Field(
        default=15.0, gt=0, description="metrics are sent there so often; `/metrics` is there all the same"
    )
    trace_ratio: float = Field(default=0.01, ge=0, le=1, description="share of requests that are traced")


class OpsSettings(BaseSettings):
    """The listener for probes and metrics, apart from every public port."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_OPS_")

    host: str = "127.0.0.1"
    port: int = 8820
    stalled_after_s: float = Field(default=20.0, description="no progress for this long: not ready")
    killed_after_s: float = Field(default=60.0, description="no progress with work waiting: the process ends")
