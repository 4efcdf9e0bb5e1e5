"""Settings › Webhooks, for super admins (A6, B9)."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.crm.model.base import Page
from services.crm.model.webhooks import NewWebhook, WebhookDelivery, WebhookType
from services.crm.rules.webhook_targets import LONGEST
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/settings/webhooks")
PAGE = 25
_SEE_OTHER = 303
_SOON = timedelta(minutes=1)  # what is tried within it is waited for on the page
_FAULT = gettext(
    "An endpoint needs an https address that is reached from the net, without a password in it, and at least "
    "one type of event. An account has at most 20."
)
Url = Annotated[str, Form(max_length=LONGEST)]
Types = Annotated[list[WebhookType] | None, Form()]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("")
async def webhooks(visit: SignedInPage) -> Response:
    """All endpoints, and the form to make one."""
    return await _list(visit, "settings_webhooks.html")


@router.post("")
async def make(visit: ChangingPage, url: Url = "", types: Types = None) -> Response:
    """Make one; its secret is shown this once."""
    who, chosen = visit.visitor.as_signed_in(), types or []
    try:
        made = await visit.desk.application.webhooks.make(who, url, chosen)
    except Problem as problem:
        if problem.problem is not INVALID:
            raise
        return await _list(visit, _part(visit, "webhooks"), fault=_FAULT, url=url, chosen=chosen)
    return await _list(visit, _part(visit, "webhooks"), made=made)


@router.get("/{webhook_id}")
async def webhook(visit: SignedInPage, webhook_id: UUID) -> Response:
    """One endpoint with its recent deliveries."""
    return await _one(visit, webhook_id, "settings_webhook.html")


@router.post("/{webhook_id}")
async def change(
    visit: ChangingPage,
    webhook_id: UUID,
    url: Url = "",
    types: Types = None,
    active: Annotated[str, Form(max_length=2)] = "",
) -> Response:
    """Another address, other types, on or off."""
    who, book = visit.visitor.as_signed_in(), visit.desk.application.webhooks
    try:
        await book.change(who, webhook_id, url=url, types=types or [], active=active == "on")
    except Problem as problem:
        if problem.problem is not INVALID:
            raise
        return await _one(visit, webhook_id, _part(visit, "webhook"), fault=_FAULT, typed=url)
    return await _one(visit, webhook_id, _part(visit, "webhook"), saved=True)


@router.post("/{webhook_id}/secret")
async def rotate(visit: ChangingPage, webhook_id: UUID) -> Response:
    """Another secret, shown this once."""
    made = await visit.desk.application.webhooks.rotate(visit.visitor.as_signed_in(), webhook_id)
    return await _one(visit, webhook_id, _part(visit, "webhook"), made=made)


@router.post("/{webhook_id}/remove")
async def remove(visit: ChangingPage, webhook_id: UUID) -> Response:
    """It is told nothing any more; back to the others."""
    await visit.desk.application.webhooks.remove(visit.visitor.as_signed_in(), webhook_id)
    if _scripted(visit):
        return Response(headers={"HX-Redirect": "/settings/webhooks"})
    return RedirectResponse("/settings/webhooks", _SEE_OTHER)


@router.post("/{webhook_id}/test")
async def test(visit: ChangingPage, webhook_id: UUID) -> Response:
    """Send a test event."""
    await visit.desk.application.webhooks.test(visit.visitor.as_signed_in(), webhook_id)
    return await _rows(visit, webhook_id)


@router.get("/{webhook_id}/deliveries")
async def deliveries(visit: SignedInPage, webhook_id: UUID, after: Cursor = None) -> Response:
    """The list alone, for the page that waits for news; with a cursor the rows after it."""
    return await _rows(visit, webhook_id, after)


@router.post("/{webhook_id}/deliveries/{delivery_id}/again")
async def again(visit: ChangingPage, webhook_id: UUID, delivery_id: UUID) -> Response:
    """Send the same message once more."""
    who = visit.visitor.as_signed_in()
    await visit.desk.application.webhooks.again(who, webhook_id, delivery_id)
    return await _rows(visit, webhook_id)


def _scripted(visit: SignedInVisit) -> bool:
    return visit.request.headers.get("hx-request") == "true"


def _part(visit: SignedInVisit, name: str) -> str:
    """The part alone for htmx, the page without script."""
    return f"_{name}.html" if _scripted(visit) else f"settings_{name}.html"


async def _list(
    visit: SignedInVisit,
    template: str,
    made: NewWebhook | None = None,
    fault: str | None = None,
    url: str = "",
    chosen: list[WebhookType] | None = None,
) -> Response:
    found = await visit.desk.application.webhooks.all(visit.visitor.as_signed_in())
    return visit.page(
        template,
        webhooks=found,
        made=made,
        secret=made.secret.get_secret_value() if made else "",
        fault=fault,
        url=url,
        chosen=chosen or [],
    )


async def _one(
    visit: SignedInVisit,
    webhook_id: UUID,
    template: str,
    made: NewWebhook | None = None,
    fault: str | None = None,
    typed: str | None = None,
    *,
    saved: bool = False,
) -> Response:
    who, book = visit.visitor.as_signed_in(), visit.desk.application.webhooks
    found = await book.get(who, webhook_id)
    page = await book.deliveries(who, webhook_id, None, PAGE)
    return visit.page(
        template,
        webhook=found,
        now=visit.desk.now(),
        made=made,
        secret=made.secret.get_secret_value() if made else "",
        fault=fault,
        typed=found.url if typed is None else typed,
        saved=saved,
        **_shown(visit, webhook_id, page),
    )


async def _rows(visit: SignedInVisit, webhook_id: UUID, after: str | None = None) -> Response:
    who = visit.visitor.as_signed_in()
    if not _scripted(visit):
        return RedirectResponse(f"/settings/webhooks/{webhook_id}", _SEE_OTHER)
    page = await visit.desk.application.webhooks.deliveries(who, webhook_id, after, PAGE)
    template = "_webhook_deliveries.html" if after is None else "_webhook_delivery_rows.html"
    return visit.page(template, **_shown(visit, webhook_id, page))


def _shown(visit: SignedInVisit, webhook_id: UUID, page: Page[WebhookDelivery]) -> dict[str, Any]:
    soon = visit.desk.now() + _SOON
    expected = any(one.next_at is not None and one.next_at <= soon for one in page.items)
    return {"webhook_id": webhook_id, "page": page, "expected": expected}
