"""Webhooks of an account (A6, B9): made, changed, tried and removed by super admins."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from pydantic import SecretStr

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.paging import DEFAULT_LIMIT, place_of
from services.crm.application.roles import Roles
from services.crm.model.audit import AuditValue
from services.crm.model.base import Page
from services.crm.model.webhooks import (
    Message,
    NewWebhook,
    Secrets,
    TestedWebhook,
    Webhook,
    WebhookDelivery,
    WebhookTest,
    WebhookType,
)
from services.crm.rules.secrets import new_webhook_secret
from services.crm.rules.times import to_milliseconds
from services.crm.rules.webhook_targets import NotATarget, Reach, canonical
from services.crm.rules.webhooks import KEPT, MOST, OLD_SECRET
from services.crm.store.database import Database, Session
from services.crm.store.webhooks import Announcer, Deliveries, Subscribers, Webhooks, delivery_id
from shared.auth.tokens import SignedIn
from shared.events.ids import new_id
from shared.http.problems import INVALID, NOT_FOUND, Problem

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WebhookStores:
    """Where endpoints and what is on its way to them are kept."""

    database: Database
    webhooks: Webhooks
    subscribers: Subscribers
    deliveries: Deliveries
    announcer: Announcer


class WebhookBook:
    """Every change stands in the audit log."""

    def __init__(
        self, stores: WebhookStores, reach: Reach, rights: tuple[Roles, Auditor], clock: Clock
    ) -> None:
        self._stores = stores
        self._reach = reach
        self._roles, self._auditor = rights
        self._clock = clock

    async def all(self, who: SignedIn) -> list[Webhook]:
        """The oldest first. Problem 403."""
        await self._roles.need_super_admin(who)
        return await self._stores.webhooks.all(who.account_id)

    async def get(self, who: SignedIn, webhook_id: UUID) -> Webhook:
        """One of them. Problem 403, 404."""
        await self._roles.need_super_admin(who)
        return (await self._found(who, webhook_id))[0]

    async def make(
        self, who: SignedIn, url: str, types: Collection[WebhookType], *, active: bool = True
    ) -> NewWebhook:
        """A new endpoint; its secret is shown this once. Problem 403, 422."""
        await self._roles.need_super_admin(who)
        if len(await self._stores.webhooks.all(who.account_id)) >= MOST:
            raise Problem(INVALID, f"An account has at most {MOST} webhooks; remove one first.")
        now, secret = to_milliseconds(self._clock()), new_webhook_secret()
        webhook = Webhook(
            id=new_id(),
            url=self._target(url),
            types=_types(types),
            active=active,
            created_at=now,
            secret_changed_at=now,
        )

        async def body(session: Session) -> None:
            secrets = Secrets(secret=SecretStr(secret))
            await self._stores.webhooks.add(who.account_id, webhook, secrets, session)
            await self._auditor.note(who, Change("webhook.made", {}, _told(webhook)), session)

        await self._changed(who, body)
        return NewWebhook(webhook=webhook, secret=SecretStr(secret))

    async def change(
        self,
        who: SignedIn,
        webhook_id: UUID,
        *,
        url: str | None = None,
        types: Collection[WebhookType] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """What is given is new. Switched off, what waits is given up; switched on, it is tried anew whatever
        became of it. Problem 403, 404, 422."""
        await self._roles.need_super_admin(who)
        fields: dict[str, Any] = {}
        if url is not None:
            fields["url"] = self._target(url)
        if types is not None:
            fields["types"] = _types(types)
        if active is not None:
            fields["active"] = active

        async def body(session: Session) -> Webhook:
            before, _ = await self._found(who, webhook_id, session)
            after = before.model_copy(update=fields)
            if after == before:
                return before
            if after.url != before.url or (after.active and not before.active):
                after = after.model_copy(update={"failing_since": None, "switched_off": None})
            await self._stores.webhooks.change(
                who.account_id, webhook_id, after.model_dump(exclude={"id"}), session
            )
            if before.active and not after.active:
                forget_at = self._clock() + KEPT
                await self._stores.deliveries.give_up_all(who.account_id, webhook_id, forget_at, session)
            await self._auditor.note(who, _difference(before, after), session)
            return after

        return await self._changed(who, body)

    async def rotate(self, who: SignedIn, webhook_id: UUID) -> NewWebhook:
        """Another secret, shown this once; for a day the one before signs too. Problem 403, 404."""
        await self._roles.need_super_admin(who)
        secret, now = new_webhook_secret(), to_milliseconds(self._clock())

        async def body(session: Session) -> Webhook:
            webhook, known = await self._found(who, webhook_id, session)
            fields = {"secret_changed_at": now, "old_secret_until": now + OLD_SECRET}
            secrets = Secrets(secret=SecretStr(secret), old=known.secret)
            await self._stores.webhooks.change(who.account_id, webhook_id, fields, session, secrets)
            change = Change("webhook.secret_changed", {}, {"url": webhook.url})
            await self._auditor.note(who, change, session)
            return webhook.model_copy(update=fields)

        return NewWebhook(webhook=await self._changed(who, body), secret=SecretStr(secret))

    async def remove(self, who: SignedIn, webhook_id: UUID) -> None:
        """It is told nothing any more, and what waits is given up. Problem 403, 404."""
        await self._roles.need_super_admin(who)

        async def body(session: Session) -> None:
            webhook, _ = await self._found(who, webhook_id, session)
            await self._stores.webhooks.remove(who.account_id, webhook_id, session)
            forget_at = self._clock() + KEPT
            await self._stores.deliveries.give_up_all(who.account_id, webhook_id, forget_at, session)
            await self._auditor.note(who, Change("webhook.removed", _told(webhook)), session)

        await self._changed(who, body)

    async def test(self, who: SignedIn, webhook_id: UUID) -> WebhookDelivery:
        """Send a test event, also where the endpoint is switched off. Problem 403, 404."""
        await self._roles.need_super_admin(who)
        now = to_milliseconds(self._clock())
        payload = WebhookTest(timestamp=now, data=TestedWebhook(webhook_id=webhook_id))
        message = Message(id=new_id(), payload=payload)

        async def body(session: Session) -> None:
            await self._found(who, webhook_id, session)
            await self._stores.deliveries.add(who.account_id, [(webhook_id, message)], now, session)

        await self._stores.database.in_transaction(body)
        self._stores.announcer.asked.set()
        return await self._delivery(who, webhook_id, delivery_id(webhook_id, message.id))

    async def deliveries(
        self, who: SignedIn, webhook_id: UUID, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[WebhookDelivery]:
        """Those of the last 30 days and those that wait, newest first. Problem 403, 404, 422 (cursor)."""
        await self.get(who, webhook_id)
        return await self._stores.deliveries.page(who.account_id, webhook_id, place_of(after), limit)

    async def again(self, who: SignedIn, webhook_id: UUID, id_: UUID) -> WebhookDelivery:
        """Send the same message, under the same id, once more; one that waits goes on as it is.
        Problem 403, 404."""
        await self.get(who, webhook_id)
        await self._delivery(who, webhook_id, id_)
        await self._stores.deliveries.again(who.account_id, id_, self._clock())
        self._stores.announcer.asked.set()
        return await self._delivery(who, webhook_id, id_)

    async def _delivery(self, who: SignedIn, webhook_id: UUID, id_: UUID) -> WebhookDelivery:
        found = await self._stores.deliveries.get(who.account_id, id_)
        if found is None or found.webhook_id != webhook_id:
            raise Problem(NOT_FOUND, "No such delivery.")
        return found

    async def _found(
        self, who: SignedIn, webhook_id: UUID, session: Session | None = None
    ) -> tuple[Webhook, Secrets]:
        found = await self._stores.webhooks.get(who.account_id, webhook_id, session)
        if found is None:
            raise Problem(NOT_FOUND, "No such webhook.")
        return found

    async def _changed(self, who: SignedIn, body: Callable[[Session], Awaitable[Result]]) -> Result:
        result = await self._stores.database.in_transaction(body)
        self._stores.subscribers.forget(who.account_id)
        return result

    def _target(self, url: str) -> str:
        try:
            return canonical(url.strip(), self._reach)
        except NotATarget:
            raise Problem(
                INVALID, "Name an https address that is reached from the net, without a password in it."
            ) from None


def _types(types: Collection[WebhookType]) -> tuple[WebhookType, ...]:
    if not types:
        raise Problem(INVALID, "Choose at least one type of event.")
    return tuple(type_ for type_ in WebhookType if type_ in types)


def _told(webhook: Webhook) -> dict[str, AuditValue]:
    return {"url": webhook.url, "types": " ".join(webhook.types), "active": webhook.active}


def _difference(before: Webhook, after: Webhook) -> Change:
    old, new = _told(before), _told(after)
    changed = {name: value for name, value in new.items() if old[name] != value}
    return Change("webhook.changed", {name: old[name] for name in ("url", *changed)}, changed)
