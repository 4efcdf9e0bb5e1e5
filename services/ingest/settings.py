"""Settings of ingest, from the environment."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class IngestSettings(BaseSettings):
    """Listeners, key rings, spool, and who stands in front of the tracking origin."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_INGEST_")

    host: str = "127.0.0.1"
    api_port: int = 8801
    tracking_port: int = 8802
    tracking_keys: Path = Field(description="key ring that seals pixel and link addresses")
    receipt_keys: Path = Field(description="key ring that seals send receipts; crm has the same file")
    jwks_url: str = Field(default="", description="crm's public keys; empty: <PUBLIC_APP_URL>/.well-known/…")
    spool: Path = Field(description="folder for hits while the broker is away; on a volume that survives")
    spool_max_bytes: int = Field(
        default=4 << 30, ge=1 << 20, description="more than this counts as disk full"
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="networks, comma-separated, whose X-Forwarded-For is believed"
    )
    direct_clients: bool = Field(
        default=False, description="no proxy stands in front: the peer's address is the client's"
    )
    acknowledged_within_ms: int = Field(
        default=50, ge=1, description="a hit that the broker has not acknowledged by then goes to the spool"
    )
    broker_timeout_ms: int = Field(default=5000, ge=100, description="of one request to the broker")
    account_requests_per_s: float = Field(
        default=100, gt=0, description="requests to the send API by one account over time; more get 429"
    )
    account_requests_burst: int = Field(default=1000, ge=1, description="so many of them may come at once")
    token_hits_per_s: float = Field(
        default=1,
        gt=0,
        description="recorded hits on one address over time; more are only counted",
    )
    token_hits_burst: int = Field(default=1000, ge=1, description="so many of them may come at once")
    max_connections: int = Field(default=10_000, ge=1, description="open connections of the tracking origin")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value
