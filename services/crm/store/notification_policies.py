"""Policies and mutes with the events that they were published as: the source of notification-policies."""

from collections.abc import Collection, Sequence
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.notification_policies import ContactMute, MailMute, NotificationPolicy
from services.crm.store.database import AccountDocuments, Database, Session, translated
from services.crm.store.documents import document, value
from services.crm.store.outbox import Outbox
from shared.events.ids import derived_id
from shared.events.notification_policies import MessageMuteChanged, NotificationPolicyChanged


class PolicyStore:
    """One for each user who has ever set one."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._policies = AccountDocuments(database, "notification_policies")
        self._outbox = outbox

    async def get(
        self, account_id: UUID, user_id: UUID, session: Session | None = None
    ) -> NotificationPolicy:
        """The user's, or the one of whoever has set none."""
        found = await self._policies.get(account_id, user_id, session)
        return NotificationPolicy() if found is None else NotificationPolicy.model_validate(found)

    async def put(
        self,
        account_id: UUID,
        user_id: UUID,
        policy: NotificationPolicy,
        event: NotificationPolicyChanged,
        session: Session,
    ) -> None:
        """Store and publish."""
        fields = {**policy.model_dump(), "event": event.model_dump_json()}
        await self._policies.put_all(account_id, {user_id: fields}, session)
        await self._outbox.add(account_id, [event], session)


class MuteStore:
    """Muted mails, by message; muted contacts, by rep and contact. What is unmuted stays, as such."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._mails = AccountDocuments(database, "mail_mutes")
        of_user = IndexModel([("account_id", 1), ("user_id", 1), ("muted", 1)])
        self._contacts = AccountDocuments(database, "contact_mutes", [of_user])
        self._guards = AccountDocuments(database, "mute_guards")
        self._outbox = outbox

    async def guard(self, account_id: UUID, user_id: UUID, session: Session) -> None:
        """Write what everybody writes who lets mails of this rep's follow: of two that overlap, one is done
        again and sees what the other has done."""
        await self._guards.update(account_id, user_id, {"$inc": {"count": 1}}, upsert=True, session=session)

    async def mails(
        self, account_id: UUID, message_ids: Collection[UUID], session: Session | None = None
    ) -> dict[UUID, MailMute]:
        """Those of these mails that were ever muted."""
        if not message_ids:
            return {}
        found = await self._mails.find(account_id, {"_id": {"$in": list(message_ids)}}, session=session)
        return {one["_id"]: value(MailMute, one) for one in found}

    async def put_mails(
        self, account_id: UUID, mutes: Sequence[tuple[MailMute, MessageMuteChanged]], session: Session
    ) -> None:
        """Store and publish."""
        documents = {mute.id: {**document(mute), "event": event.model_dump_json()} for mute, event in mutes}
        await self._mails.put_all(account_id, documents, session)
        await self._outbox.add(account_id, [event for _, event in mutes], session)

    async def contact(
        self, account_id: UUID, user_id: UUID, contact_id: UUID, session: Session | None = None
    ) -> ContactMute | None:
        """What the rep said of the contact, if ever."""
        found = await self._contacts.get(account_id, contact_mute_id(user_id, contact_id), session)
        return None if found is None else value(ContactMute, found)

    async def muted_contacts(self, account_id: UUID, user_id: UUID) -> list[UUID]:
        """All that the rep muted."""
        found = await self._contacts.find(account_id, {"user_id": user_id, "muted": True})
        return [one["contact_id"] for one in found]

    async def muted_among(
        self, account_id: UUID, user_id: UUID, contact_ids: Collection[UUID], session: Session | None = None
    ) -> set[UUID]:
        """Those of the contacts that the rep muted."""
        ids = [contact_mute_id(user_id, contact_id) for contact_id in contact_ids]
        found = await self._contacts.find(account_id, {"_id": {"$in": ids}}, session=session) if ids else []
        return {one["contact_id"] for one in found if one["muted"]}

    async def put_contact(self, account_id: UUID, mute: ContactMute, session: Session) -> None:
        """What the rep says of the contact now, or how far its mails have followed."""
        fields = {name: found for name, found in document(mute).items() if name != "account_id"}
        await self._contacts.put_all(account_id, {mute.id: fields}, session)


class MuteQueue:
    """Muted and unmuted contacts of all accounts whose mails are still to follow."""

    def __init__(self, database: Database) -> None:
        self._contacts = database.collection("contact_mutes", [IndexModel("pending")])

    async def next(self) -> ContactMute | None:
        """One of them. Raises DatabaseAway."""
        with translated():
            found = await self._contacts.find_one({"pending": True})
        return None if found is None else value(ContactMute, found)


def contact_mute_id(user_id: UUID, contact_id: UUID) -> UUID:
    """A rep's mute of a contact has one document."""
    return derived_id("contact-mute", user_id, contact_id)
