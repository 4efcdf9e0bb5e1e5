"""Endpoints, and what is on its way to them: written with the change that it tells of."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pymongo import IndexModel

from services.crm.model.base import Page
from services.crm.model.webhooks import (
    Answer,
    DeliveryState,
    DeliveryTrouble,
    Message,
    Secrets,
    Webhook,
    WebhookDelivery,
    WebhookType,
)
from services.crm.rules.places import cursor, place
from services.crm.rules.webhooks import Transition, announcements, joined
from services.crm.store.database import AccountDocuments, Database, Session, translated
from services.crm.store.documents import document, value
from shared.events.ids import derived_id

STALE_AFTER_S = 5.0  # until a change counts in other processes
_MOST_KEPT = 1000  # accounts whose endpoints are in memory


class Webhooks:
    """The endpoints of accounts."""

    def __init__(self, database: Database) -> None:
        self._webhooks = AccountDocuments(database, "webhooks")

    async def get(
        self, account_id: UUID, webhook_id: UUID, session: Session | None = None
    ) -> tuple[Webhook, Secrets] | None:
        """One endpoint and what it is signed with."""
        found = await self._webhooks.get(account_id, webhook_id, session)
        return None if found is None else (value(Webhook, found), Secrets.model_validate(found))

    async def all(self, account_id: UUID, session: Session | None = None) -> list[Webhook]:
        """All of the account, the oldest first."""
        found = await self._webhooks.find(account_id, {}, session=session)
        return sorted(
            (value(Webhook, one) for one in found), key=lambda webhook: (webhook.created_at, webhook.id)
        )

    async def add(self, account_id: UUID, webhook: Webhook, secrets: Secrets, session: Session) -> None:
        """A new endpoint."""
        fields = {**document(webhook), **_stored(secrets)}
        await self._webhooks.insert(account_id, webhook.id, fields, session)

    async def change(
        self,
        account_id: UUID,
        webhook_id: UUID,
        fields: Mapping[str, Any],
        session: Session,
        secrets: Secrets | None = None,
    ) -> bool:
        """Whether there is such an endpoint; these fields of it are new."""
        change = {"$set": {**fields, **(_stored(secrets) if secrets else {})}}
        return await self._webhooks.update(account_id, webhook_id, change, session=session)

    async def failing(self, account_id: UUID, webhook_id: UUID, since: datetime | None) -> None:
        """Nothing arrives there since then (if it is not known already); None: something has arrived."""
        where = {"failing_since": None} if since else {"failing_since": {"$ne": None}}
        change = {"$set": {"failing_since": since}}
        await self._webhooks.update(account_id, webhook_id, change, where=where)

    async def remove(self, account_id: UUID, webhook_id: UUID, session: Session) -> None:
        """It is told nothing any more."""
        await self._webhooks.delete_all(account_id, [webhook_id], session)


def _stored(secrets: Secrets) -> dict[str, Any]:
    old = secrets.old.get_secret_value() if secrets.old else None
    return {"secret": secrets.secret.get_secret_value(), "old": old}


class Subscribers:
    """Which endpoints of an account are told of what, from memory: asked at every change of a mail.

    A change counts at once in the process that made it, and within five seconds in others.
    """

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._known: OrderedDict[UUID, tuple[float, tuple[Webhook, ...]]] = OrderedDict()

    async def of(self, account_id: UUID) -> tuple[Webhook, ...]:
        """The active ones."""
        read_at, known = self._known.get(account_id, (float("-inf"), ()))
        if time.monotonic() - read_at >= STALE_AFTER_S:
            asked_at = time.monotonic()
            known = tuple(one for one in await self._webhooks.all(account_id) if one.active)
            self._known[account_id] = asked_at, known
        self._known.move_to_end(account_id)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return known

    def forget(self, account_id: UUID) -> None:
        """They were changed."""
        self._known.pop(account_id, None)


class Deliveries:
    """Messages to the endpoints of an account."""

    def __init__(self, database: Database) -> None:
        newest = IndexModel([("account_id", 1), ("webhook_id", 1), ("place", -1)])
        forgotten = IndexModel("forget_at", expireAfterSeconds=0)
        self._deliveries = AccountDocuments(database, "webhook_deliveries", [newest, forgotten])

    async def add(
        self, account_id: UUID, messages: Iterable[tuple[UUID, Message]], now: datetime, session: Session
    ) -> None:
        """Send each to its endpoint once the transaction is committed; what was told stays as it is."""
        new = {delivery_id(webhook_id, one.id): (webhook_id, one) for webhook_id, one in messages}
        if not new:
            return
        there = await self._deliveries.find(account_id, {"_id": {"$in": list(new)}}, session=session)
        for known in there:
            del new[known["_id"]]
        await self._deliveries.put_all(
            account_id, {id_: _new(id_, *one, now) for id_, one in new.items()}, session
        )

    async def get(
        self, account_id: UUID, delivery_id_: UUID, session: Session | None = None
    ) -> WebhookDelivery | None:
        """One of them."""
        found = await self._deliveries.get(account_id, delivery_id_, session)
        return None if found is None else value(WebhookDelivery, found)

    async def page(
        self, account_id: UUID, webhook_id: UUID, after: str | None, limit: int
    ) -> Page[WebhookDelivery]:
        """Of one endpoint, newest first; `after` is a place."""
        where: dict[str, Any] = {"webhook_id": webhook_id}
        if after is not None:
            where["place"] = {"$lt": after}
        found = await self._deliveries.find(account_id, where, sort=("place", -1), limit=limit + 1)
        rows = tuple(value(WebhookDelivery, one) for one in found[:limit])
        more = len(found) > limit
        return Page(items=rows, next=cursor(found[limit - 1]["place"]) if more else None)

    async def again(self, account_id: UUID, delivery_id_: UUID, now: datetime) -> bool:
        """Whether it was over; from now on it is sent anew."""
        fresh = {"state": DeliveryState.WAITING.value, "attempts": 0, "next_at": now, "forget_at": None}
        where = {"state": {"$ne": DeliveryState.WAITING.value}}
        return await self._deliveries.update(account_id, delivery_id_, {"$set": fresh}, where=where)

    async def body(self, account_id: UUID, delivery_id_: UUID) -> str:
        """What is sent; empty if it is gone."""
        found = await self._deliveries.get(account_id, delivery_id_)
        return str(found["body"]) if found else ""

    async def settle(
        self,
        account_id: UUID,
        taken: WebhookDelivery,
        answer: Answer,
        state: DeliveryState,
        times: tuple[datetime, datetime | None, datetime | None],
    ) -> None:
        """What the attempt came to, unless another process has taken it meanwhile. `times`: of the attempt,
        of the next one, and when it is forgotten."""
        tried_at, next_at, forget_at = times
        fields = {
            "state": state.value,
            "tried_at": tried_at,
            "next_at": next_at,
            "forget_at": forget_at,
            **answer.model_dump(mode="json"),
        }
        where = {"attempts": taken.attempts, "next_at": taken.next_at}
        await self._deliveries.update(account_id, taken.id, {"$set": fields}, where=where)

    async def give_up_all(
        self, account_id: UUID, webhook_id: UUID, forget_at: datetime, session: Session
    ) -> None:
        """Those that wait for an endpoint that is switched off."""
        waiting = {"webhook_id": webhook_id, "state": DeliveryState.WAITING.value}
        over = {
            "state": DeliveryState.GIVEN_UP.value,
            "next_at": None,
            "forget_at": forget_at,
            "trouble": DeliveryTrouble.SWITCHED_OFF.value,
        }
        await self._deliveries.update_where(account_id, waiting, {"$set": over}, session)


def delivery_id(webhook_id: UUID, message_id: UUID) -> UUID:
    """Of a message to an endpoint."""
    return derived_id("webhook-delivery", webhook_id, message_id)


def _new(id_: UUID, webhook_id: UUID, message: Message, now: datetime) -> dict[str, Any]:
    delivery = WebhookDelivery(
        id=id_,
        webhook_id=webhook_id,
        message_id=message.id,
        type=message.payload.type,
        created_at=now,
        next_at=now,
    )
    body = message.payload.model_dump_json()
    return {**document(delivery), "place": place(now, id_), "body": body, "forget_at": None}


class DeliveryQueue:
    """Deliveries of all accounts."""

    def __init__(self, database: Database) -> None:
        self._deliveries = database.collection(
            "webhook_deliveries", [IndexModel([("next_at", 1), ("webhook_id", 1)])]
        )

    async def due(self, now: datetime, but: Collection[UUID]) -> tuple[UUID, WebhookDelivery] | None:
        """The one that has waited longest beyond its time, to no endpoint of `but`; with its account."""
        where: dict[str, Any] = {"next_at": {"$lte": now}}
        if but:
            where["webhook_id"] = {"$nin": list(but)}
        with translated():
            found = await self._deliveries.find_one(where, sort=[("next_at", 1)])
        return None if found is None else (found["account_id"], value(WebhookDelivery, found))

    async def take(self, delivery: WebhookDelivery, until: datetime) -> bool:
        """Whether this process may try it, until then: of two, one."""
        mine = {"_id": delivery.id, "next_at": delivery.next_at, "attempts": delivery.attempts}
        change = {"$set": {"next_at": until}, "$inc": {"attempts": 1}}
        with translated():
            done = await self._deliveries.update_one(mine, change)
        return bool(done.matched_count)


class Announcer:
    """Tells endpoints of changes of mails, in the transaction of the change. `asked`: set when there is
    something to send."""

    def __init__(
        self, subscribers: Subscribers, deliveries: Deliveries, clock: Callable[[], datetime]
    ) -> None:
        self._subscribers = subscribers
        self._deliveries = deliveries
        self._clock = clock
        self.asked = asyncio.Event()

    async def tell(self, account_id: UUID, transitions: Sequence[Transition], session: Session) -> bool:
        """Whether anybody is told of these changes."""
        webhooks = await self._subscribers.of(account_id) if transitions else ()
        if not webhooks:
            return False
        now = self._clock()
        messages = [
            (webhook.id, message)
            for change in joined(transitions)
            for message in announcements(change, now)
            for webhook in webhooks
            if WebhookType(message.payload.type) in webhook.types
        ]
        await self._deliveries.add(account_id, messages, now, session)
        return bool(messages)
