"""Which sent mail is still to be compared with the legal bases of its recipients."""

from datetime import datetime
from uuid import UUID

from services.crm.model.base import Model
from services.crm.store.database import AccountDocuments, Database, Session, translated
from services.crm.store.documents import document, value


class Review(Model):
    """A comparison that somebody asked for: of one contact's mail, or (contact None) of all of the account's.

    `id` is the contact or the account, so that asking again while it runs begins it anew. `after`: the last
    message that is done.
    """

    id: UUID
    account_id: UUID
    contact_id: UUID | None
    cause: UUID
    asked_at: datetime
    after: UUID | None = None


class Reviews:
    """Asked for in the transaction of the change that made them necessary."""

    def __init__(self, database: Database) -> None:
        self._reviews = AccountDocuments(database, "reviews")

    async def ask(self, account_id: UUID, review: Review, session: Session) -> None:
        """From the beginning, also if it is under way."""
        await self._reviews.put_all(account_id, {review.id: _fields(review)}, session)

    async def get(self, account_id: UUID, id_: UUID, session: Session) -> Review | None:
        """As it stands."""
        found = await self._reviews.get(account_id, id_, session)
        return None if found is None else value(Review, found)

    async def go_on(self, account_id: UUID, id_: UUID, after: UUID, session: Session) -> None:
        """All up to this message is done."""
        await self._reviews.update(account_id, id_, {"$set": {"after": after}}, session=session)

    async def done(self, account_id: UUID, id_: UUID, session: Session) -> None:
        """All of it."""
        await self._reviews.delete_all(account_id, [id_], session)


class ReviewQueue:
    """What is asked for in any account."""

    def __init__(self, database: Database) -> None:
        self._reviews = database.collection("reviews", [])

    async def next(self) -> Review | None:
        """One that is not done. Raises DatabaseAway."""
        with translated():
            found = await self._reviews.find_one({})
        return None if found is None else value(Review, found)


def _fields(review: Review) -> dict[str, object]:
    return {name: found for name, found in document(review).items() if name != "account_id"}
