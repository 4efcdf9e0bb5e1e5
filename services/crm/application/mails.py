"""One mail: reading it, its body and thread, and deleting it (R3, L13)."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.model.mails import Mail, MailBody, ThreadMail
from services.crm.rules.files import MessageFile, Rewrite, deleted, difference
from services.crm.rules.mail_html import CleanHtml, clean_html
from services.crm.rules.mails import Reading, is_logged, mail_of, may_delete, refs_of, visible
from services.crm.store.accounts import Users
from services.crm.store.bodies import Bodies
from services.crm.store.database import Session
from services.crm.store.messages import Messages
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.events.log_reasons import Language
from shared.http.problems import FORBIDDEN, NOT_FOUND, Problem

_THREAD = 50


class Mails:
    """All users of the account see a logged mail; one that is not, its sender alone."""

    def __init__(
        self,
        messages: Messages,
        stores: tuple[Bodies, AllRecords, Users, Auditor],
        tracking_url: str,
        clock: Clock,
    ) -> None:
        self._messages = messages
        self._bodies, self._records, self._users, self._auditor = stores
        self._tracking_url = tracking_url
        self._clock = clock

    async def get(self, who: SignedIn, message_id: UUID, language: Language) -> Mail:
        """The mail with its decision in that language. Problem 404."""
        file = await self._seen(who, message_id)
        sender = await self._users.get(who.account_id, file.message.user_id)
        names = await self._records.names(who.account_id, refs_of(file.message, file.decision))
        users = await self._users.all(who.account_id) if file.message.hand_edits else []
        colleagues = {user.id: user.name for user in users}
        engagements = await self._messages.engagements(who.account_id, message_id)
        reading = Reading(who, language, sender.name if sender else None, names, colleagues)
        return mail_of(file, engagements, reading)

    async def body(self, who: SignedIn, message_id: UUID, *, images: bool) -> MailBody:
        """The body as it may be shown, with remote images if they are asked for. Problem 404 (no such
        mail, or nothing of it was kept)."""
        await self._seen(who, message_id)
        body = await self._bodies.get(who.account_id, message_id)
        if body is None:
            raise Problem(NOT_FOUND, "No body was kept.")
        # Up to 8 MiB of markup: not on the loop that serves everybody.
        clean = await asyncio.to_thread(self._clean, body.html, images=images)
        return MailBody(html=clean.html, text=body.text, held_back=clean.held_back)

    def _clean(self, html: str, *, images: bool) -> CleanHtml:
        return clean_html(html, self._tracking_url, images=images)

    async def thread(self, who: SignedIn, message_id: UUID) -> tuple[ThreadMail, ...]:
        """The other logged mails of its thread, newest first. Problem 404."""
        message = (await self._seen(who, message_id)).message
        thread_id = message.draft.provider_thread_id if message.draft else None
        if thread_id is None:
            return ()
        found = await self._messages.thread(who.account_id, message.user_id, thread_id)
        others = [
            ThreadMail(
                id=one.message.id,
                subject=one.message.draft.subject,
                user_id=one.message.user_id,
                sent_at=one.message.sent_at or one.message.draft.prepared_at,
            )
            for one in found
            if one.message.draft and one.message.id != message_id and is_logged(one.message, one.decision)
        ]
        return tuple(sorted(others, key=lambda one: (one.sent_at, one.id), reverse=True)[:_THREAD])

    async def delete(self, who: SignedIn, message_id: UUID) -> None:
        """Take the mail off every record for good, body and attachments too; again changes nothing.

        Problem 403 (neither its sender nor an admin), 404.
        """
        now = self._clock()

        def rewriter(files: Mapping[UUID, MessageFile]) -> Rewrite:
            before = files.get(message_id)
            if before is None or not _may_be_deleted(before, who):
                raise Problem(NOT_FOUND, "No such mail.")
            return difference(who.account_id, before, deleted(before, now), ())

        async def noted(changes: Rewrite, session: Session) -> None:
            if changes.messages:
                change = Change("mail.deleted", {"message_id": str(message_id)})
                await self._auditor.note(who, change, session)

        await self._messages.rewrite(who.account_id, [message_id], rewriter, noted)

    async def _seen(self, who: SignedIn, message_id: UUID) -> MessageFile:
        file = await self._messages.file(who.account_id, message_id)
        if file is None or not visible(file.message, file.decision, who.user_id):
            raise Problem(NOT_FOUND, "No such mail.")
        return file


def _may_be_deleted(file: MessageFile, who: SignedIn) -> bool:
    """Whether it is, or was, this reader's to see. Problem 403: to see only."""
    before = file.message.model_copy(update={"deleted_at": None})
    if not visible(before, file.decision, who.user_id):
        return False
    if may_delete(file.message, who):
        return True
    if file.message.deleted_at is None:
        raise Problem(FORBIDDEN, "Only its sender and admins delete a mail.")
    return False
