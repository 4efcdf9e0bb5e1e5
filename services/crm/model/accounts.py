"""Accounts and the people who sign in to them."""

import hashlib
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.crm.model.base import Model
from shared.auth.tokens import Role


class EmailSettings(Model):
    """What a super admin decides for the whole account (A1-A5, P1)."""

    tracking: bool = Field(default=True, description="A4: users may track opens and clicks")
    logging: bool = Field(default=True, description="users may log mail")
    log_attachments: bool = Field(default=True, description="A2: users may log attachments")
    data_privacy: bool = Field(default=False, description="P1: only with a legal basis for processing")
    log_default: bool = Field(default=False, description="A3: the account says how the Log box starts")
    log_ticked: bool = Field(default=True, description="A3: it starts ticked, if the account says it")
    track_default: bool = Field(default=False, description="A5: the account says how the Track box starts")
    track_ticked: bool = Field(default=True, description="A5: it starts ticked, if the account says it")
    marketing_contacts: bool = Field(
        default=True, description="L6: contacts that logging makes are marked as non-marketing"
    )

    @property
    def tag(self) -> str:
        """Names these settings: the same ones have the same tag."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]

    @property
    def log_start(self) -> bool | None:
        """How the Log box of every user starts; None: as the user likes (A3)."""
        return self.log_ticked if self.log_default else None

    @property
    def track_start(self) -> bool | None:
        """How the Track box of every user starts; None: as the user likes (A5, only while A4 is on)."""
        return self.track_ticked if self.track_default and self.tracking else None


class Account(Model):
    """One customer. `policy_version` counts the changes of its settings."""

    id: UUID
    name: str
    settings: EmailSettings = EmailSettings()
    policy_version: int = 1
    created_at: datetime


class AddressKind(StrEnum):
    """Why an address counts as the user's own (L7)."""

    PRIMARY = "primary"
    CONNECTED = "connected"
    ALIAS = "alias"


class SendingAddress(Model):
    """An address that the user may send from."""

    address: str
    kind: AddressKind


class User(Model):
    """A person who signs in. `address` is the sign-in name; `addresses` are those to send from."""

    id: UUID
    account_id: UUID
    name: str
    address: str
    addresses: tuple[SendingAddress, ...]
    role: Role
    locale: str = "en"
    time_zone: str = "UTC"
    disabled: bool = False
    invited: bool = Field(default=False, description="has not chosen a password yet")
    created_at: datetime
