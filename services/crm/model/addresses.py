"""Addresses that a user sends from, or wants to (E4)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.crm.model.accounts import AddressKind
from services.crm.model.base import Model
from services.crm.model.letters import Trouble


class AddressClaim(Model):
    """An address that a user has named and not proven yet: it counts for nothing. `mailed_at`: when the last
    link went out."""

    id: UUID
    user_id: UUID
    address: str
    asked_at: datetime
    mailed_at: datetime | None = None


class AddressLink(Model):
    """A link that proves a claim, once, by its user alone."""

    account_id: UUID
    user_id: UUID
    claim_id: UUID
    expires_at: datetime


class AddressState(StrEnum):
    """How far it is. QUEUED: the link is not on its way yet; FAILED: nobody tries any more; EXPIRED: the
    link that was mailed is over."""

    PROVEN = "proven"
    QUEUED = "queued"
    MAILED = "mailed"
    FAILED = "failed"
    EXPIRED = "expired"


class AddressRow(Model):
    """One address. `kind` is of a proven one; `trouble`: why its link has not gone out."""

    id: UUID
    address: str
    state: AddressState
    kind: AddressKind | None = None
    mailed_at: datetime | None = None
    trouble: Trouble | None = None
