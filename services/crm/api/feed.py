"""The rep's own activity feed."""

from uuid import UUID

from fastapi import APIRouter

from services.crm.api.dependencies import A_PAGE, PAGE_PROBLEMS, After, Crm, Limit, Who, problems
from services.crm.model.base import Page
from services.crm.model.messages import FeedDetail, FeedRow
from shared.http.problems import INVALID, NOT_FOUND

router = APIRouter(prefix="/v1/feed", tags=["feed"])


@router.get("", responses=problems(*PAGE_PROBLEMS))
async def feed(crm: Crm, who: Who, after: After = None, limit: Limit = A_PAGE) -> Page[FeedRow]:
    """Your tracked mail, newest first."""
    return await crm.feed.page(who.account_id, who.user_id, after, limit)


@router.get("/{message_id}", responses=problems(NOT_FOUND, INVALID))
async def feed_row(crm: Crm, who: Who, message_id: UUID) -> FeedDetail:
    """One mail of yours and each open and click of it."""
    return await crm.feed.detail(who.account_id, who.user_id, message_id)
