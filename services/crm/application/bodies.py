"""Bodies of mail that is to be logged, uploaded by receipt."""

from datetime import datetime
from uuid import UUID

from services.crm.application.receipts import check_receipt
from services.crm.store.messages import Messages
from shared.auth.tokens import SignedIn
from shared.http.limits import MIB
from shared.http.problems import NOT_FOUND, Problem
from shared.tokens.keyring import KeyRing

# HTML and text together; a longer body is not logged. A document of the database may have 16 MB.
MAX_BODY_BYTES = 8 * MIB


class MailBodies:
    """Uploads."""

    def __init__(self, messages: Messages, receipts: KeyRing) -> None:
        self._messages = messages
        self._receipts = receipts

    async def put(
        self, who: SignedIn, message_id: UUID, receipt: str, html: str, text: str, now: datetime
    ) -> None:
        """Keep a body until the log decision, and longer if it says so. Problem 403, 404, 410."""
        check_receipt(self._receipts, who, message_id, receipt, now)
        if not await self._messages.keep_body(who.account_id, message_id, html, text):
            raise Problem(NOT_FOUND, "No such message.")
