"""How many hits have which verdict, by UTC day: of each user's mail, and of the whole account.

Written in the transaction that writes the engagements. Counts only ever grow and shrink by a number, so a day
may lie in several documents: each process has one of its own, and two processes do not wait for each other.
"""

import random
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.engagements import Engagement
from services.crm.model.failures import AlreadyThere
from services.crm.rules.accuracy import Place, Recount, changes_of, place_of
from services.crm.store.database import (
    AccountDocuments,
    Database,
    Document,
    Session,
    WriteConflict,
    translated,
)
from services.crm.store.documents import value
from shared.events.ids import derived_id

_SHARES = 16
_BATCH = 500
_DONE = "verdicts-counted"


class VerdictCounts:
    """The counts. One document for each day, user (None: the account) and share."""

    def __init__(self, database: Database) -> None:
        by_day = IndexModel([("account_id", 1), ("user_id", 1), ("day", 1)])
        self._counts = AccountDocuments(database, "verdict_counts", [by_day])
        self._share = random.randrange(_SHARES)  # noqa: S311 - no secret

    async def add(self, account_id: UUID, recounts: Iterable[Recount], session: Session) -> None:
        """Move engagements to where they stand now."""
        updates: dict[UUID, Document] = {}
        for (user_id, day), cells in changes_of(recounts).items():
            for of in (user_id, None):
                id_ = derived_id("verdict-counts", account_id, of, day, self._share)
                update = updates.setdefault(id_, {"$set": {"user_id": of, "day": day}, "$inc": {}})
                for cell, number in cells.items():
                    field = f"cells.{cell}"
                    update["$inc"][field] = update["$inc"].get(field, 0) + number
        try:
            await self._counts.update_all(account_id, updates, session, upsert=True)
        except AlreadyThere:  # another process of the same share began the day
            raise WriteConflict("a day's counts were begun twice") from None

    async def days(
        self, account_id: UUID, user_id: UUID | None, first: date, last: date
    ) -> list[tuple[date, Mapping[str, int]]]:
        """Of one user's mail, or (None) of the account: days with their cells, a day once or more."""
        where = {"user_id": user_id, "day": {"$gte": first.isoformat(), "$lte": last.isoformat()}}
        found = await self._counts.find(account_id, where, sort=("day", 1))
        return [(date.fromisoformat(one["day"]), one.get("cells", {})) for one in found]


class CountingQueue:
    """Engagements of any account that are not in the counts: an earlier release wrote them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = VerdictCounts(database)
        self._facts = database.collection("upkeep", [])
        self._engagements = database.collection("engagements", [])
        self._of_account = AccountDocuments(database, "engagements")

    async def is_done(self) -> bool:
        """Whether all of them were counted once. Raises DatabaseAway."""
        with translated():
            return await self._facts.find_one({"_id": _DONE}) is not None

    async def done(self) -> None:
        """They are. Raises DatabaseAway."""
        with translated():
            await self._facts.update_one({"_id": _DONE}, {"$set": {"done": True}}, upsert=True)

    async def step(self, after: UUID | None) -> tuple[UUID | None, int]:
        """Count those of the next few that are not counted; the last of them (None: there were none) and how
        many. Safe beside whoever else counts or corrects. Raises DatabaseAway."""
        where: dict[str, Any] = {} if after is None else {"_id": {"$gt": after}}
        with translated():
            found = (
                await self._engagements.find(where, {"counted": 1, "account_id": 1})
                .sort("_id", 1)
                .limit(_BATCH)
                .to_list(None)
            )
        by_account: dict[UUID, list[UUID]] = {}
        for one in found:
            if counted_place(one) is None:
                by_account.setdefault(one["account_id"], []).append(one["_id"])
        for account_id, ids in by_account.items():
            await self._count(account_id, ids)
        return (found[-1]["_id"] if found else None), sum(map(len, by_account.values()))

    async def _count(self, account_id: UUID, ids: list[UUID]) -> None:
        async def body(session: Session) -> None:
            """The engagements are written too: a correction at the same time conflicts with it."""
            found = await self._of_account.find(account_id, {"_id": {"$in": ids}}, session=session)
            new = [value(Engagement, one) for one in found if counted_place(one) is None]
            recounts = [Recount(one.id, None, place_of(one)) for one in new]
            marks = {one.engagement_id: {"$set": counted_fields(one.after)} for one in recounts}
            await self._of_account.update_all(account_id, marks, session)
            await self._counts.add(account_id, recounts, session)

        await self._database.in_transaction(body)


def counted_place(found: Document) -> Place | None:
    """Where an engagement's document says that it is counted."""
    known = found.get("counted")
    return None if known is None else Place(known["user_id"], known["day"], known["cell"])


def counted_fields(at: Place) -> Document:
    """What an engagement's document says of it."""
    return {"counted": at._asdict()}
