"""The last word on whether a message or an account is tracked: the source of email.revocations."""

from collections.abc import Iterable
from uuid import UUID

from pydantic import TypeAdapter

from services.crm.store.database import AccountDocuments, Database, Session
from services.crm.store.outbox import Outbox
from shared.events.revocations import AnyRevocationEvent, RevocationEvent

_EVENTS: TypeAdapter[RevocationEvent] = TypeAdapter(AnyRevocationEvent)


class Revocations:
    """One event per subject."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._revocations = AccountDocuments(database, "revocations")
        self._outbox = outbox

    async def last(
        self, account_id: UUID, subjects: Iterable[UUID], session: Session
    ) -> dict[UUID, RevocationEvent]:
        """The last word on each that there is one on."""
        found = await self._revocations.find(account_id, {"_id": {"$in": list(subjects)}}, session=session)
        return {one["_id"]: _EVENTS.validate_json(one["event"]) for one in found}

    async def say(self, account_id: UUID, event: RevocationEvent, session: Session) -> None:
        """Store and publish."""
        documents = {event.subject_id: {"event": event.model_dump_json()}}
        await self._revocations.put_all(account_id, documents, session)
        await self._outbox.add(account_id, [event], session)
