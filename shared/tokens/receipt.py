"""Send receipts: proof that the server prepared this message for this user.

Needed by `sent`, `scheduled`, `cancelled` and every upload. A receipt lasts 30 days: a rep who was
offline posts late.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.events.sends import Source
from shared.tokens.keyring import KeyRing
from shared.tokens.sealing import BadToken, seal, unseal

_RECEIPT = b"kaifu receipt"
LIFETIME = timedelta(days=30)


class ReceiptExpired(ValueError):
    """The receipt was ours and is over."""


class Receipt(BaseModel):
    """What `prepare` decided, carried by the client and unchangeable by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: UUID
    user_id: UUID
    message_id: UUID
    source: Source
    tracked: bool
    logged: bool
    anonymous: bool
    recipient_count: int
    link_count: int
    policy_version: int
    prepared_at: datetime
    expires_at: datetime


def seal_receipt(ring: KeyRing, receipt: Receipt) -> str:
    """The receipt as the client holds it."""
    return seal(ring, _RECEIPT, receipt.model_dump_json().encode())


def open_receipt(ring: KeyRing, token: str, now: datetime | None = None) -> Receipt:
    """The receipt; BadToken if it isn't ours, ReceiptExpired if it is over."""
    try:
        receipt = Receipt.model_validate_json(unseal(ring, _RECEIPT, token))
    except ValidationError:
        raise BadToken("not one of our tokens") from None
    if (now or datetime.now(UTC)) >= receipt.expires_at:
        raise ReceiptExpired
    return receipt
