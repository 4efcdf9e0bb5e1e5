"""Receipts of uploads: proof that the mail was prepared for the one who uploads."""

from datetime import datetime
from uuid import UUID

from services.crm.problems import RECEIPT_EXPIRED, RECEIPT_INVALID
from shared.auth.tokens import SignedIn
from shared.http.problems import Problem
from shared.tokens.keyring import KeyRing
from shared.tokens.receipt import Receipt, ReceiptExpired, open_receipt
from shared.tokens.sealing import BadToken


def check_receipt(ring: KeyRing, who: SignedIn, message_id: UUID, receipt: str, now: datetime) -> None:
    """Problem 403 (none of ours, or another mail's or user's), 410 (over)."""
    opened = _opened(ring, receipt, now)
    if (opened.account_id, opened.user_id, opened.message_id) != (who.account_id, who.user_id, message_id):
        raise Problem(RECEIPT_INVALID, "Use the receipt that was given for this message.")


def _opened(ring: KeyRing, receipt: str, now: datetime) -> Receipt:
    try:
        return open_receipt(ring, receipt, now)
    except ReceiptExpired:
        raise Problem(RECEIPT_EXPIRED, "Receipts last 30 days.") from None
    except BadToken:
        raise Problem(RECEIPT_INVALID, "Use the receipt that was given for this message.") from None
