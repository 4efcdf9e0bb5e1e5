"""Mails and contacts of which a rep wants no pop-ups (B8).

A muted contact mutes its place in each mail that the rep sent to it: at once in those prepared later, in the
others piece by piece right after the change; a stop loses nothing.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

from services.crm.application.clock import Clock
from services.crm.model.messages import Message
from services.crm.model.notification_policies import ContactMute, MailMute, MutedContact
from services.crm.rules.notification_policies import by_hand, contacts_of, mute_event, with_contacts
from services.crm.store.database import Database, Session
from services.crm.store.messages import Messages
from services.crm.store.notification_policies import MuteQueue, MuteStore, contact_mute_id
from services.crm.store.outbox import Outbox
from services.crm.store.records import AllRecords
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id
from shared.events.notifications import FeedChanged
from shared.http.problems import CONFLICT, NOT_FOUND, Problem

MOST_CONTACTS = 500
_AT_ONCE = 200  # mails in one transaction


class Mutes:
    """Each rep's own."""

    def __init__(
        self,
        database: Database,
        stores: tuple[Messages, AllRecords, MuteStore, MuteQueue, Outbox],
        clock: Clock,
    ) -> None:
        self._database = database
        self._messages, self._records, self._mutes, self._queue, self._outbox = stores
        self._clock = clock
        self.asked = asyncio.Event()

    async def mail(self, who: SignedIn, message_id: UUID) -> MailMute | None:
        """Whether the mail is muted; None: it is no tracked mail of this rep's."""
        message = await self._messages.get(who.account_id, message_id)
        if message is None or message.user_id != who.user_id or not message.tracked:
            return None
        known = await self._mutes.mails(who.account_id, [message_id])
        return known.get(message_id, MailMute(id=message_id, user_id=who.user_id))

    async def mute_mail(self, who: SignedIn, message_id: UUID, *, muted: bool) -> None:
        """Mute a mail or end that; again changes nothing. Problem 404 (no tracked mail of this rep's)."""
        if await self.mail(who, message_id) is None:
            raise Problem(NOT_FOUND, "No such mail in your feed.")
        now = self._clock()

        async def body(session: Session) -> None:
            known = await self._mutes.mails(who.account_id, [message_id], session)
            before = known.get(message_id, MailMute(id=message_id, user_id=who.user_id))
            after = by_hand(before, muted=muted)
            if after == before:
                return
            said = [(after, mute_event(who.account_id, after, now))]
            await self._mutes.put_mails(who.account_id, said, session)
            row = FeedChanged(
                event_id=derived_id("feed-changed", "mute", message_id, after.version),
                occurred_at=now,
                account_id=who.account_id,
                user_id=who.user_id,
                message_id=message_id,
            )
            await self._outbox.add(who.account_id, [row], session)

        await self._database.in_transaction(body)

    async def contacts(self, who: SignedIn) -> tuple[MutedContact, ...]:
        """The muted contacts that are there, by name."""
        ids = await self._mutes.muted_contacts(who.account_id, who.user_id)
        found = await self._records.contacts.some(who.account_id, ids)
        named = [(one.name or next(iter(one.addresses), ""), id_) for id_, one in found.items()]
        return tuple(MutedContact(contact_id=id_, name=name) for name, id_ in sorted(named))

    async def contact_is_muted(self, who: SignedIn, contact_id: UUID) -> bool:
        """Whether this rep muted it."""
        return bool(await self._mutes.muted_among(who.account_id, who.user_id, [contact_id]))

    async def mute_contact(self, who: SignedIn, contact_id: UUID, *, muted: bool) -> None:
        """Mute a contact or end that; again changes nothing. Problem 404, 409 (too many)."""
        if await self._records.contacts.get(who.account_id, contact_id) is None:
            raise Problem(NOT_FOUND, "No such contact.")
        others = await self._mutes.muted_contacts(who.account_id, who.user_id) if muted else []
        if len(others) >= MOST_CONTACTS and contact_id not in others:
            raise Problem(CONFLICT, f"At most {MOST_CONTACTS} contacts are muted: end one of those first.")

        async def body(session: Session) -> None:
            known = await self._mutes.contact(who.account_id, who.user_id, contact_id, session)
            if muted is (known is not None and known.muted):
                return
            mute = ContactMute(
                id=contact_mute_id(who.user_id, contact_id),
                account_id=who.account_id,
                user_id=who.user_id,
                contact_id=contact_id,
                muted=muted,
            )
            await self._mutes.put_contact(who.account_id, mute, session)

        await self._database.in_transaction(body)
        self.asked.set()

    async def step(self) -> bool:
        """Let some mails follow a contact; whether there were any to. Several processes may at once.
        Raises DatabaseAway."""
        self.asked.clear()
        found = await self._queue.next()
        if found is None:
            return False

        async def body(session: Session) -> None:
            mute = await self._mutes.contact(found.account_id, found.user_id, found.contact_id, session)
            if mute is not None and mute.pending:
                await self._follow(mute, session)

        await self._database.in_transaction(body)
        return True

    async def _follow(self, mute: ContactMute, session: Session) -> None:
        account_id = mute.account_id
        messages = await self._messages.tracked(account_id, mute.contact_id, mute.after, _AT_ONCE, session)
        mine = [one for one in messages if one.user_id == mute.user_id]
        await self._say(account_id, mute.user_id, mine, session)
        after = messages[-1].id if messages else None
        pending = len(messages) == _AT_ONCE
        state = mute.model_copy(update={"after": after, "pending": pending})
        await self._mutes.put_contact(account_id, state, session)

    async def meet(self, account_id: UUID, message: Message) -> None:
        """A mail was recorded: whom it goes to may be muted. After it is there, so that of this and of a
        contact that is muted meanwhile one sees the other."""
        contacts = contacts_of(message) if message.tracked else set()
        if not await self._mutes.muted_among(account_id, message.user_id, contacts):
            return

        async def body(session: Session) -> None:
            await self._say(account_id, message.user_id, [message], session)

        await self._database.in_transaction(body)

    async def _say(
        self, account_id: UUID, user_id: UUID, messages: Collection[Message], session: Session
    ) -> None:
        """What differs, now that these contacts are muted and no others."""
        await self._mutes.guard(account_id, user_id, session)
        contacts = {contact_id for message in messages for contact_id in contacts_of(message)}
        muted = await self._mutes.muted_among(account_id, user_id, contacts, session)
        known = await self._mutes.mails(account_id, [message.id for message in messages], session)
        said = []
        for message in messages:
            before = known.get(message.id, MailMute(id=message.id, user_id=user_id))
            after = with_contacts(before, message, muted)
            if after != before:
                said.append((after, mute_event(account_id, after, self._clock())))
        await self._mutes.put_mails(account_id, said, session)
