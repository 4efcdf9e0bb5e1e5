"""crm's own settings."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.crm.rules.letters import mailable
from services.crm.rules.webhook_targets import Reach


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
    places: Path = Field(
        default=Path(".places"),
        description="the folder of DB-IP's city databases (`make places`); without them, countries only",
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="proxies in front that append to X-Forwarded-For; 0: none"
    )
    smtp_host: str = Field(
        default="",
        description="the relay that takes Kaifu's own mail (links to confirm); empty: none is sent",
    )
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`tls` from the first byte, port 465; `none`: only a relay next door"
    )
    smtp_ca_file: Path | None = Field(
        default=None, description="of a relay whose certificate is of no public authority"
    )
    smtp_user: str = Field(default="", description="empty: the relay asks nobody to sign in")
    smtp_password_file: Path | None = Field(default=None, description="read for each connection")
    smtp_from: str = Field(default="", description="the address that the mail comes from")
    webhook_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description='private networks that webhooks may go to, e.g. ["10.1.0.0/16"]; empty: none'
    )
    webhook_http_to_loopback: bool = Field(
        default=False, description="webhooks may go to http://localhost; for trying them out"
    )

    @property
    def webhook_reach(self) -> Reach:
        """Where webhooks may go beyond the public net."""
        return Reach(tuple(self.webhook_networks), self.webhook_http_to_loopback)

    @property
    def mail_set_up(self) -> bool:
        """Whether there is a relay."""
        return bool(self.smtp_host)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.smtp_host and not self.smtp_from:
            raise ValueError("KAIFU_CRM_SMTP_FROM is needed with KAIFU_CRM_SMTP_HOST")
        if self.smtp_host and mailable(self.smtp_from) != self.smtp_from:
            raise ValueError("KAIFU_CRM_SMTP_FROM must be an address alone, as kaifu@example.com")
        if self.smtp_user and self.smtp_password_file is None:
            raise ValueError("KAIFU_CRM_SMTP_PASSWORD_FILE is needed with KAIFU_CRM_SMTP_USER")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("KAIFU_CRM_SMTP_SECURITY must be starttls or tls: a password would be readable")
        return self
