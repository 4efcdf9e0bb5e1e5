"""Webhooks of the account, for super admins; signed as Standard Webhooks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StrictBool

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.api.record_routes import UNCHANGED, Asked, Patch
from services.crm.model.base import Page
from services.crm.model.webhooks import NewWebhook, Webhook, WebhookDelivery, WebhookType
from services.crm.rules.webhook_targets import LONGEST
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Url = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Types = Annotated[list[WebhookType], Field(min_length=1, max_length=len(WebhookType))]


class WebhookAsked(Asked):
    """An endpoint: an https address, and what it is told of."""

    url: Url
    types: Types
    active: StrictBool = True


class WebhookChanged(Patch):
    """What is sent is new."""

    url: Url = UNCHANGED
    types: Types = UNCHANGED
    active: StrictBool = UNCHANGED


class Webhooks(BaseModel):
    """The oldest first."""

    webhooks: list[Webhook]


class MadeWebhook(BaseModel):
    """The endpoint, and the secret that its messages are signed with, shown this once."""

    webhook: Webhook
    secret: str


@router.get("", responses=problems(FORBIDDEN))
async def webhooks(crm: Crm, who: Who) -> Webhooks:
    """All webhooks of the account, without their secrets."""
    return Webhooks(webhooks=await crm.webhooks.all(who))


@router.post("", status_code=201, responses=problems(FORBIDDEN, INVALID, MALFORMED, TOO_LARGE))
async def make(crm: Crm, who: Who, asked: WebhookAsked) -> MadeWebhook:
    """Make one. What happens within the next five seconds may be missed."""
    return _shown(await crm.webhooks.make(who, asked.url, asked.types, active=asked.active))


@router.get("/{id}", responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def webhook(crm: Crm, who: Who, id: UUID) -> Webhook:  # noqa: A002 - the name in the address
    """One of them."""
    return await crm.webhooks.get(who, id)


@router.patch("/{id}", responses=problems(FORBIDDEN, NOT_FOUND, INVALID, MALFORMED, TOO_LARGE))
async def change(
    crm: Crm,
    who: Who,
    id: UUID,  # noqa: A002
    asked: WebhookChanged,
) -> Webhook:
    """Change it. Switched off, what waits for it is given up."""
    return await crm.webhooks.change(who, id, **asked.model_dump(exclude_unset=True))


@router.delete("/{id}", status_code=204, responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def remove(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002
    """Remove it."""
    await crm.webhooks.remove(who, id)


@router.post("/{id}/secret", responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def rotate(crm: Crm, who: Who, id: UUID) -> MadeWebhook:  # noqa: A002
    """Another secret. For 24 hours each message is signed with the old one too."""
    return _shown(await crm.webhooks.rotate(who, id))


@router.post("/{id}/test", status_code=202, responses=problems(FORBIDDEN, NOT_FOUND, INVALID))
async def test(crm: Crm, who: Who, id: UUID) -> WebhookDelivery:  # noqa: A002
    """Send a `webhook.test` event."""
    return await crm.webhooks.test(who, id)


@router.get("/{id}/deliveries", responses=problems(FORBIDDEN, NOT_FOUND, *PAGE_PROBLEMS))
async def deliveries(
    crm: Crm,
    who: Who,
    id: UUID,  # noqa: A002
    after: After = None,
    limit: Limit = A_PAGE,
) -> Page[WebhookDelivery]:
    """What waits, and what was delivered or given up within 30 days, newest first."""
    return await crm.webhooks.deliveries(who, id, after, limit)


@router.post(
    "/{id}/deliveries/{delivery_id}/again",
    status_code=202,
    responses=problems(FORBIDDEN, NOT_FOUND, INVALID),
)
async def again(crm: Crm, who: Who, id: UUID, delivery_id: UUID) -> WebhookDelivery:  # noqa: A002
    """Send the same message once more, under the same `webhook-id`."""
    return await crm.webhooks.again(who, id, delivery_id)


def _shown(made: NewWebhook) -> MadeWebhook:
    return MadeWebhook(webhook=made.webhook, secret=made.secret.get_secret_value())
