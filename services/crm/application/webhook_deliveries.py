"""Deliveries to webhooks: taken one by one, signed by who sends them, tried again as Standard Webhooks asks.

A crash between sending and noting sends the message again under the same `webhook-id`.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import SecretStr

from services.crm.application.audit import Auditor, Change
from services.crm.application.clock import Clock
from services.crm.application.webhooks import WebhookStores
from services.crm.model.webhooks import (
    TEST,
    Answer,
    DeliveryState,
    DeliveryTrouble,
    Outgoing,
    Secrets,
    SwitchedOff,
    Webhook,
    WebhookDelivery,
)
from services.crm.rules.webhooks import FAILING, KEPT, next_try
from services.crm.store.database import Session
from services.crm.store.webhooks import DeliveryQueue
from shared.telemetry.names import WEBHOOK_ATTEMPTS

_LEASE = timedelta(minutes=1)  # far longer than an attempt takes
_GONE = 410


class WebhookPost:
    """What there is to send, and what came of it. `asked`: set when there is something new."""

    def __init__(self, stores: WebhookStores, queue: DeliveryQueue, auditor: Auditor, clock: Clock) -> None:
        self._stores = stores
        self._queue = queue
        self._auditor = auditor
        self._clock = clock

    @property
    def asked(self) -> asyncio.Event:
        """Set when there is something new to send."""
        return self._stores.announcer.asked

    async def take(self, but: Collection[UUID]) -> Outgoing | None:
        """The next that is due, to an endpoint that is not among `but`, for this process alone; None: there
        is none."""
        while (due := await self._queue.due(self._clock(), but)) is not None:
            account_id, delivery = due
            until = self._clock() + _LEASE
            if not await self._queue.take(delivery, until):
                continue
            taken = delivery.model_copy(update={"attempts": delivery.attempts + 1, "next_at": until})
            found = await self._stores.webhooks.get(account_id, delivery.webhook_id)
            if found is not None and (found[0].active or delivery.type == TEST):
                body = await self._stores.deliveries.body(account_id, delivery.id)
                return Outgoing(
                    account_id=account_id,
                    delivery=taken,
                    url=found[0].url,
                    secrets=self._signing(*found),
                    body=body,
                    failing=found[0].failing_since is not None,
                )
            switched_off = Answer(trouble=DeliveryTrouble.SWITCHED_OFF)
            await self._over(account_id, taken, switched_off, DeliveryState.GIVEN_UP)
        return None

    def _signing(self, webhook: Webhook, secrets: Secrets) -> tuple[SecretStr, ...]:
        until = webhook.old_secret_until
        if secrets.old is None or until is None or until <= self._clock():
            return (secrets.secret,)
        return secrets.secret, secrets.old

    async def settle(self, outgoing: Outgoing, answer: Answer) -> None:
        """Note what an attempt came to: delivered, to be tried again, or given up."""
        account_id, delivery, now = outgoing.account_id, outgoing.delivery, self._clock()
        WEBHOOK_ATTEMPTS.labels(answer.trouble.value if answer.trouble else "delivered").inc()
        if answer.trouble is None:
            await self._over(account_id, delivery, answer, DeliveryState.DELIVERED)
            if outgoing.failing:
                await self._stores.webhooks.failing(account_id, delivery.webhook_id, None)
            return
        next_at = None if answer.status_code == _GONE else next_try(delivery.attempts, now)
        if next_at is None:
            await self._over(account_id, delivery, answer, DeliveryState.GIVEN_UP)
        else:
            times = now, next_at, None
            await self._stores.deliveries.settle(account_id, delivery, answer, DeliveryState.WAITING, times)
        await self._failed(outgoing, answer, now)

    async def _over(
        self, account_id: UUID, delivery: WebhookDelivery, answer: Answer, state: DeliveryState
    ) -> None:
        now = self._clock()
        await self._stores.deliveries.settle(account_id, delivery, answer, state, (now, None, now + KEPT))

    async def _failed(self, outgoing: Outgoing, answer: Answer, now: datetime) -> None:
        account_id, webhook_id = outgoing.account_id, outgoing.delivery.webhook_id
        if not outgoing.failing:
            await self._stores.webhooks.failing(account_id, webhook_id, now)
        if answer.status_code == _GONE:
            await self._switch_off(outgoing, SwitchedOff.GONE, now)
            return
        found = await self._stores.webhooks.get(account_id, webhook_id)
        since = found[0].failing_since if found else None
        if since is not None and now - since >= FAILING:
            await self._switch_off(outgoing, SwitchedOff.FAILING, now)

    async def _switch_off(self, outgoing: Outgoing, reason: SwitchedOff, now: datetime) -> None:
        """The endpoint is told nothing any more; what waits is given up."""
        account_id, webhook_id = outgoing.account_id, outgoing.delivery.webhook_id

        async def body(session: Session) -> None:
            found = await self._stores.webhooks.get(account_id, webhook_id, session)
            if found is None or not found[0].active:
                return
            fields = {"active": False, "switched_off": reason.value}
            await self._stores.webhooks.change(account_id, webhook_id, fields, session)
            await self._stores.deliveries.give_up_all(account_id, webhook_id, now + KEPT, session)
            told = {"url": found[0].url, "reason": reason.value}
            await self._auditor.note_own(account_id, Change("webhook.switched_off", {}, told), session)

        await self._stores.database.in_transaction(body)
        self._stores.subscribers.forget(account_id)
