"""A change of a legal basis, or of the data privacy switch, reaches mail that is already sent (P1, P4)."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.model.messages import Message
from services.crm.rules.privacy import revocations
from services.crm.store.accounts import Accounts
from services.crm.store.database import Database, Session
from services.crm.store.messages import Messages
from services.crm.store.privacy import Review, ReviewQueue, Reviews
from services.crm.store.records import AllRecords
from services.crm.store.revocations import Revocations
from shared.events.ids import new_id

_AT_ONCE = 200  # messages in one transaction
_FEW = 20  # contacts whose mail is looked up one by one; for more, all mail is gone through once


class PrivacyReviews:
    """Asked for in a change's transaction and done right after it, in pieces; a stop loses nothing."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        records: AllRecords,
        stores: tuple[Messages, Reviews, ReviewQueue, Revocations],
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._records = records
        self._messages, self._reviews, self._queue, self._revocations = stores
        self._clock = clock
        self._wanted = False
        self.asked = asyncio.Event()

    async def ask(self, account_id: UUID, contact_id: UUID | None, session: Session) -> None:
        """Compare all mail to a contact, or all of the account's, with the bases as they are."""
        review = Review(
            id=contact_id or account_id,
            account_id=account_id,
            contact_id=contact_id,
            cause=new_id(),
            asked_at=self._clock(),
            turn=self._clock(),
        )
        await self._reviews.ask(account_id, review, session)
        self._wanted = True

    def wake(self) -> None:
        """What was asked for is committed: whoever does it need not wait for the next look."""
        if self._wanted:
            self._wanted = False
            self.asked.set()

    async def compare(self, account_id: UUID, message: Message) -> None:
        """One mail that was prepared while something changed, so that no review has seen it."""

        async def body(session: Session) -> None:
            await self._reviews.guard(account_id, session)
            await self._said(account_id, [message], (new_id(), self._clock()), session)

        await self._database.in_transaction(body)

    async def bases_changed(self, account_id: UUID, contacts: Collection[UUID], session: Session) -> None:
        """Compare all mail to these contacts, who have a basis now and had none, or the reverse."""
        account = await self._accounts.get(account_id, session) if contacts else None
        if account is None or not account.settings.data_privacy:
            return
        for contact_id in contacts if len(contacts) <= _FEW else (None,):
            await self.ask(account_id, contact_id, session)

    async def step(self) -> bool:
        """Do one piece; whether there was one. Several processes may at once. Raises DatabaseAway."""
        self.asked.clear()
        review = await self._queue.next()
        if review is None:
            return False

        async def body(session: Session) -> None:
            now = await self._reviews.get(review.account_id, review.id, session)
            if now is not None:
                await self._compare(now, session)

        await self._database.in_transaction(body)
        return True

    async def _compare(self, review: Review, session: Session) -> None:
        await self._reviews.guard(review.account_id, session)
        messages = await self._messages.tracked(
            review.account_id, review.contact_id, review.after, _AT_ONCE, session
        )
        await self._said(review.account_id, messages, (review.cause, review.asked_at), session)
        if len(messages) < _AT_ONCE:
            await self._reviews.done(review.account_id, review.id, session)
        else:
            await self._reviews.go_on(review.account_id, review.id, messages[-1].id, self._clock(), session)

    async def _said(
        self, account_id: UUID, messages: list[Message], cause: tuple[UUID, datetime], session: Session
    ) -> None:
        account = await self._accounts.get(account_id, session)
        if account is None:
            return
        eligible = await self._eligible(account_id, messages, session)
        last = await self._revocations.last(account_id, [one.id for one in messages], session)
        for event in revocations(account, messages, eligible, last, cause):
            await self._revocations.say(account_id, event, session)

    async def _eligible(self, account_id: UUID, messages: list[Message], session: Session) -> set[UUID]:
        ids = {
            to.contact_id
            for message in messages
            for to in (message.draft.recipients if message.draft else ())
            if to.contact_id is not None
        }
        contacts = await self._records.contacts.some(account_id, ids, session)
        return {id_ for id_, contact in contacts.items() if contact.legal_basis.kind.eligible}
