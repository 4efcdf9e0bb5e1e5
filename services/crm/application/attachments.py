"""Attachments of mail that is to be logged, uploaded by receipt and read again (L10, A2)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.application.receipts import check_receipt
from services.crm.application.transfers import Transfers
from services.crm.model.attachments import Attachment, LeftOut
from services.crm.model.decisions import Decision
from services.crm.model.failures import DatabaseAway
from services.crm.model.messages import Message
from services.crm.problems import CONTENT_DIFFERS
from services.crm.rules.attachments import HEAD_BYTES, clean_name, safe_type
from services.crm.rules.files import MessageFile, Rewrite, difference
from services.crm.rules.uploads import Fate, attached, fate, without_content
from services.crm.store.accounts import Accounts
from services.crm.store.attachments import AttachmentFiles, AttachmentLedger, DueFile
from services.crm.store.messages import Messages
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id
from shared.http.limits import MIB
from shared.http.problems import MALFORMED, NOT_FOUND, TOO_LARGE, Problem
from shared.tokens.keyring import KeyRing

MAX_STORED_BYTES = 50 * MIB  # exactly so much is stored (L10)
MAX_READ_BYTES = 64 * MIB
UPLOAD_S = 30 * 60  # well within the time that the store leaves an upload
_SWEPT_AT_ONCE = 100
_CLOSE = {"Connection": "close"}


class _NotRead(Exception):
    """More than is read even to be counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a client says of an attachment. `sha256`: hex; `announced`: bytes."""

    index: int
    name: str
    type: str
    sha256: str | None = None
    announced: int = 0


class _Content:
    """A request's content, counted and hashed on its way."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._hash.hexdigest()

    @property
    def storable(self) -> bool:
        """Whether it has not more than is stored."""
        return self.size <= MAX_STORED_BYTES

    async def read(self) -> AsyncIterator[bytes]:
        """To its end, handing out what may be stored. Raises _NotRead beyond what is read."""
        async for piece in self._pieces:
            self._count(piece)
            if self.storable:
                yield piece

    async def drain(self) -> None:
        """Read to the end and store nothing."""
        async for _ in self.read():
            pass

    def _count(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > MAX_READ_BYTES:
            raise _NotRead
        self._hash.update(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]


class MailAttachments:
    """Uploads, downloads, and cleaning up."""

    def __init__(
        self,
        accounts: Accounts,
        messages: Messages,
        stores: tuple[AttachmentFiles, AttachmentLedger],
        receipts: KeyRing,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._messages = messages
        self._files, self._ledger = stores
        self._receipts = receipts
        self._clock = clock
        self._transfers = Transfers()

    async def put(
        self, who: SignedIn, message_id: UUID, receipt: str, part: Part, pieces: AsyncIterator[bytes]
    ) -> Attachment:
        """Keep an attachment until the log decision, and longer if it says so; what became of it.

        Problem 400 (too slow), 403, 404, 410, 413 (too large even to be read; it is named all the same),
        422 (the content is not what `part` says), 503 (too many at once).
        """
        check_receipt(self._receipts, who, message_id, receipt, self._clock())
        self._transfers.need_room(who.account_id)
        with self._transfers.one(who.account_id):
            return await self._kept(who.account_id, message_id, part, pieces)

    async def _kept(
        self, account_id: UUID, message_id: UUID, part: Part, pieces: AsyncIterator[bytes]
    ) -> Attachment:
        left_out = await self._left_out(account_id, message_id)
        content, file_id = _Content(pieces), None if left_out else new_id()
        try:
            await self._read(account_id, message_id, file_id, part, content)
        except _NotRead:
            await self._discard(account_id, file_id)
            unread = _attachment(part, None, left_out or LeftOut.TOO_LARGE)
            size = max(part.announced, content.size)
            await self._attach(account_id, message_id, unread.model_copy(update={"size": size}))
            raise Problem(TOO_LARGE, f"At most {MAX_READ_BYTES} bytes.", headers=_CLOSE) from None
        except BaseException:
            await self._discard(account_id, file_id)
            raise
        reason = left_out or (None if content.storable else LeftOut.TOO_LARGE)
        new = _attachment(part, content, reason, file_id)
        kept = await self._attach(account_id, message_id, new)
        if kept.file_id != file_id:
            await self._discard(account_id, file_id)
        return kept

    async def _left_out(self, account_id: UUID, message_id: UUID) -> LeftOut | None:
        """Why nothing is to be stored, as far as is known before reading. Problem 404."""
        account = await self._accounts.get(account_id)
        message = await self._messages.get(account_id, message_id)
        if account is None or message is None:
            raise Problem(NOT_FOUND, "No such message.")
        if fate(message, await self._messages.decision(account_id, message_id)) is Fate.DISCARDED:
            return LeftOut.NOT_LOGGED
        return None if account.settings.log_attachments else LeftOut.ATTACHMENTS_OFF

    async def _read(
        self, account_id: UUID, message_id: UUID, file_id: UUID | None, part: Part, content: _Content
    ) -> None:
        if part.announced > MAX_READ_BYTES:
            raise _NotRead
        try:
            async with asyncio.timeout(UPLOAD_S):
                if file_id is None:
                    await content.drain()
                else:
                    await self._files.write(account_id, file_id, message_id, content.read())
        except TimeoutError:
            raise Problem(MALFORMED, f"Send it within {UPLOAD_S // 60} minutes.") from None
        if part.sha256 is not None and part.sha256 != content.sha256:
            raise Problem(CONTENT_DIFFERS, "Send it again; nothing was kept.")

    async def _discard(self, account_id: UUID, file_id: UUID | None) -> None:
        """Delete at once; the sweeper does it where the database is away."""
        if file_id is not None:
            with suppress(DatabaseAway):
                await self._files.delete(account_id, file_id)

    async def _attach(self, account_id: UUID, message_id: UUID, new: Attachment) -> Attachment:
        outcome: list[Attachment] = []

        def change(message: Message, decision: Decision | None) -> Message:
            message, became = attached(message, decision, new)
            outcome[:] = [became]
            return message

        await self._rewrite(account_id, message_id, change)
        return outcome[0]

    async def _rewrite(
        self, account_id: UUID, message_id: UUID, change: Callable[[Message, Decision | None], Message]
    ) -> None:
        def rewriter(files: Mapping[UUID, MessageFile]) -> Rewrite:
            before = files.get(message_id)
            if before is None:
                raise Problem(NOT_FOUND, "No such message.")
            after = replace(before, message=change(before.message, before.decision))
            return difference(account_id, before, after, ())

        await self._messages.rewrite(account_id, [message_id], rewriter)

    async def open(
        self, account_id: UUID, message_id: UUID, index: int
    ) -> tuple[Attachment, AsyncIterator[bytes]]:
        """A stored attachment of a logged mail, and its content in pieces. Problem 404, 503 (too many)."""
        self._transfers.need_room(account_id)
        message = await self._messages.get(account_id, message_id)
        decision = await self._messages.decision(account_id, message_id)
        if message is not None and fate(message, decision) is Fate.KEPT:
            for one in message.attachments:
                if one.index == index and one.file_id is not None:
                    content = await self._files.open(account_id, one.file_id)
                    if content is not None:
                        return one, self._transfers.counted(account_id, content)
        raise Problem(NOT_FOUND, "No such attachment.")

    async def sweep(self) -> int:
        """Delete files that were cut off, replaced, discarded or not claimed in time; how many.

        What a mail still names of them (its decision never came) it names no more. Raises DatabaseAway.
        """
        swept = 0
        while due := await self._ledger.due(self._clock(), _SWEPT_AT_ONCE):
            for file in due:
                await self._forget(file)
            swept += len(due)
        return swept

    async def _forget(self, file: DueFile) -> None:
        with suppress(Problem):  # the mail itself is gone
            await self._rewrite(
                file.account_id, file.message_id, lambda message, _: without_content(message, file.file_id)
            )
        await self._files.delete(file.account_id, file.file_id)


def _attachment(
    part: Part, content: _Content | None, reason: LeftOut | None, file_id: UUID | None = None
) -> Attachment:
    return Attachment(
        index=part.index,
        name=clean_name(part.name),
        type=safe_type(part.type, content.head if content else b""),
        size=content.size if content else 0,
        sha256=content.sha256 if content else None,
        file_id=None if reason else file_id,
        reason=reason,
    )
