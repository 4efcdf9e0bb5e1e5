"""The activity feed: its page, its rows one by one, its toasts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.crm.model.base import Page
from services.crm.model.messages import FeedRecipient, FeedRow
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from shared.events.log_reasons import log_reason
from shared.events.notifications import NotificationKind

router = APIRouter()
PAGE = 30
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/feed")
async def feed(visit: SignedInPage) -> Response:
    """The whole page with the newest rows."""
    return visit.page("feed.html", page=await _page(visit, None))


@router.get("/feed/rows")
async def rows(visit: SignedInPage, after: Cursor = None) -> Response:
    """Rows after a cursor, and where to go on."""
    return visit.page("_feed_rows.html", page=await _page(visit, after))


@router.get("/feed/rows/{message_id}")
async def row(visit: SignedInPage, message_id: UUID) -> Response:
    """One row as it is now."""
    return visit.page("_feed_row.html", row=await _row(visit, message_id))


@router.get("/feed/rows/{message_id}/detail")
async def detail(visit: SignedInPage, message_id: UUID) -> Response:
    """Each open and click of the mail with its verdict and evidence."""
    who = visit.visitor
    found = await visit.desk.application.feed.detail(who.account_id, who.user_id, message_id)
    names = {to.slot: to.name or to.address for to in found.recipients}
    return visit.page("_feed_detail.html", row=found, names=names)


@router.post("/feed/test-notification")
async def test_notification(visit: ChangingPage) -> Response:
    """Raise one; it comes back through the socket like any other."""
    await visit.desk.application.notifications.test(visit.visitor.as_signed_in())
    return visit.page("_test_sent.html", status_code=202)


@router.get("/feed/toast")
async def toast(
    visit: SignedInPage,
    kind: NotificationKind,
    message_id: UUID | None = None,
    candidate: Annotated[list[int] | None, Query(max_length=500)] = None,
    reason: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The words of a notification: events hold ids only, so names and subject are looked up here."""
    tracked = message_id is not None and kind is not NotificationKind.LOG_REFUSED
    found = await _row(visit, message_id) if tracked and message_id else None
    return visit.page(
        "_toast.html",
        kind=kind,
        row=found,
        recipient=recipient_of(found, candidate or []) if found else None,
        reason=log_reason(reason, visit.language) if reason else "",
    )


def recipient_of(row: FeedRow, candidates: list[int]) -> FeedRecipient | None:
    """The one recipient that it was; None: anonymous, or one of several. Never a guess (B6, P3)."""
    if row.anonymous or len(candidates) != 1:
        return None
    return next((to for to in row.recipients if to.slot == candidates[0]), None)


async def _page(visit: SignedInVisit, after: str | None) -> Page[FeedRow]:
    who = visit.visitor
    return await visit.desk.application.feed.page(who.account_id, who.user_id, after, PAGE)


async def _row(visit: SignedInVisit, message_id: UUID) -> FeedRow:
    who = visit.visitor
    return await visit.desk.application.feed.row(who.account_id, who.user_id, message_id)
