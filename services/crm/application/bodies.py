"""Bodies of mail that is to be logged, uploaded by receipt."""

from datetime import datetime
from uuid import UUID

from services.crm.problems import RECEIPT_EXPIRED, RECEIPT_INVALID
from services.crm.store.messages import Messages
from shared.auth.tokens import SignedIn
from shared.http.problems import NOT_FOUND, Problem
from shared.tokens.keyring import KeyRing
from shared.tokens.receipt import Receipt, ReceiptExpired, open_receipt
from shared.tokens.sealing import BadToken

MAX_BODY_BYTES = 2 * 1024 * 1024  # HTML and text together; a longer body is not logged


class MailBodies:
    """Uploads."""

    def __init__(self, messages: Messages, receipts: KeyRing) -> None:
        self._messages = messages
        self._receipts = receipts

    async def put(
        self, who: SignedIn, message_id: UUID, receipt: str, html: str, text: str, now: datetime
    ) -> None:
        """Keep a body until the log decision, and longer if it says so. Problem 403, 404, 410."""
        opened = self._opened(receipt, now)
        own = (who.account_id, who.user_id, message_id)
        if (opened.account_id, opened.user_id, opened.message_id) != own:
            raise Problem(RECEIPT_INVALID, "Use the receipt that was given for this message.")
        if not await self._messages.keep_body(who.account_id, message_id, html, text):
            raise Problem(NOT_FOUND, "No such message.")

    def _opened(self, receipt: str, now: datetime) -> Receipt:
        try:
            return open_receipt(self._receipts, receipt, now)
        except ReceiptExpired:
            raise Problem(RECEIPT_EXPIRED, "Receipts last 30 days.") from None
        except BadToken:
            raise Problem(RECEIPT_INVALID, "Use the receipt that was given for this message.") from None
