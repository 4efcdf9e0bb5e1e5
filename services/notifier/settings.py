"""notifier's own settings; the broker's are `KAIFU_KAFKA_*`, the public addresses `PUBLIC_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class NotifierSettings(BaseSettings):
    """Listener, keys and limits."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_NOTIFIER_")

    host: str = "127.0.0.1"
    port: int = 8803
    cursor_keys: Path = Field(description="key ring that seals cursors; the same for all replicas")
    jwks_url: str = Field(default="", description="crm's keys; empty: PUBLIC_APP_URL/.well-known/jwks.json")
    allowed_origins: str = Field(
        default="", description="beside PUBLIC_APP_URL; separated by commas, e.g. chrome-extension://<id>"
    )
    ring_span_s: float = Field(default=900.0, gt=600, description="kept in memory; above a token's lifetime")
    ring_events: int = Field(default=50_000, ge=1)
    seen_events: int = Field(
        default=50_000, ge=1, description="event ids remembered, so that none is pushed twice"
    )
    replay_records: int = Field(default=200_000, ge=1, description="read from Kafka for one resume at most")
    replay_events: int = Field(
        default=2000, ge=1, description="told again to one client at most; one that missed more loads afresh"
    )
    replay_deadline_s: float = Field(default=10.0, gt=0)
    replays_at_once: int = Field(default=4, ge=1)
    socket_queue: int = Field(default=256, ge=1, description="events that wait for a slow client")
    sockets_per_user: int = Field(default=20, ge=1)
    sockets: int = Field(default=10_000, ge=1, description="of all users; more are told to come again")
    first_message_s: float = Field(default=5.0, gt=0)
    max_message_bytes: int = Field(default=8192, ge=1024)
    ping_interval_s: float = Field(default=20.0, gt=0, description="a socket whose pong is missing is closed")
    look_interval_s: float = Field(
        default=2.0, gt=0, description="between two looks at lag and the broker's identity"
    )

    def origins(self, app_url: str) -> frozenset[str]:
        """The values of the Origin header that may connect."""
        listed = (origin.strip().rstrip("/") for origin in self.allowed_origins.split(","))
        scheme, _, rest = app_url.partition("://")
        return frozenset({f"{scheme}://{rest.partition('/')[0]}", *filter(None, listed)})

    def keys_address(self, app_url: str) -> str:
        """Where crm publishes the keys that verify access tokens."""
        return self.jwks_url or app_url.rstrip("/") + "/.well-known/jwks.json"
