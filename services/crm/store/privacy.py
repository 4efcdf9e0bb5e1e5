"""Which sent mail is still to be compared with the legal bases of its recipients."""

from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Model
from services.crm.store.database import AccountDocuments, Database, Session, translated
from services.crm.store.documents import document, value


class Review(Model):
    """A comparison that somebody asked for: of one contact's mail, or (contact None) of all of the account's.

    `id` is the contact or the account, so that asking again while it runs begins it anew. `after`: the last
    message that is done. `turn`: since when it waits for its next piece.
    """

    id: UUID
    account_id: UUID
    contact_id: UUID | None
    cause: UUID
    asked_at: datetime
    turn: datetime
    after: UUID | None = None

    @property
    def wide(self) -> bool:
        """Whether it goes through all mail of the account."""
        return self.contact_id is None


class Reviews:
    """Asked for in the transaction of the change that made them necessary."""

    def __init__(self, database: Database) -> None:
        self._reviews = AccountDocuments(database, "reviews")
        self._guards = AccountDocuments(database, "review_guards")

    async def ask(self, account_id: UUID, review: Review, session: Session) -> None:
        """From the beginning, also if it is under way."""
        await self.guard(account_id, session)
        await self._reviews.put_all(account_id, {review.id: _fields(review)}, session)

    async def guard(self, account_id: UUID, session: Session) -> None:
        """Write what every other comparison and every request for one in the account writes too: of two that
        overlap, one is done again and sees what the other has done."""
        counted = {"$inc": {"count": 1}}
        await self._guards.update(account_id, account_id, counted, upsert=True, session=session)

    async def get(self, account_id: UUID, id_: UUID, session: Session) -> Review | None:
        """As it stands."""
        found = await self._reviews.get(account_id, id_, session)
        return None if found is None else value(Review, found)

    async def go_on(self, account_id: UUID, id_: UUID, after: UUID, turn: datetime, session: Session) -> None:
        """All up to this message is done; the others have their turn first."""
        change = {"$set": {"after": after, "turn": turn}}
        await self._reviews.update(account_id, id_, change, session=session)

    async def done(self, account_id: UUID, id_: UUID, session: Session) -> None:
        """All of it."""
        await self._reviews.delete_all(account_id, [id_], session)


class ReviewQueue:
    """What is asked for in any account."""

    def __init__(self, database: Database) -> None:
        self._reviews = database.collection("reviews", [IndexModel([("wide", 1), ("turn", 1)])])

    async def next(self) -> Review | None:
        """One that is not done: contacts before accounts, and who has waited longest, so that a large account
        holds up nobody. Raises DatabaseAway."""
        with translated():
            found = await self._reviews.find_one({}, sort=[("wide", 1), ("turn", 1)])
        return None if found is None else value(Review, found)


def _fields(review: Review) -> dict[str, object]:
    fields = {name: found for name, found in document(review).items() if name != "account_id"}
    return {**fields, "wide": review.wide}
