"""crm's own settings."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CrmSettings(BaseSettings):
    """Where crm listens, stores and signs."""

    model_config = SettingsConfigDict(env_prefix="KAIFU_CRM_")

    host: str = "127.0.0.1"
    port: int = 8800
    mongodb_url: SecretStr = SecretStr("mongodb://127.0.0.1:8811/?directConnection=true")
    database: str = "kaifu"
    receipt_keys: Path = Field(
        default=Path("keys/receipts.json"), description="the ring that ingest seals with"
    )
    signing_keys: Path = Field(default=Path("keys/signing.json"), description="made at the first start")
    extension_ids: tuple[str, ...] = Field(
        default=(), description="Chrome extension ids that may sign in; empty: any that a user installs"
    )
    hits_kept_days: int = Field(
        default=90, ge=1, description="the archive of raw hits, with client addresses"
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="proxies in front that append to X-Forwarded-For; 0: none"
    )
