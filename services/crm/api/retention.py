"""How long the account keeps the content of mail, for super admins."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.retention import RetentionCount
from services.crm.rules.retention import LONGEST_MONTHS
from shared.http.problems import FORBIDDEN, INVALID, MALFORMED, TOO_LARGE

router = APIRouter(prefix="/v1/settings/retention", tags=["settings"])


class RetentionAsked(Asked):
    """After how many months content goes; null: never."""

    months: Annotated[int | None, Field(ge=1, le=LONGEST_MONTHS)]


class RetentionNow(BaseModel):
    """After how many months content goes; null: never."""

    months: int | None


@router.get("", responses=problems(FORBIDDEN))
async def retention(crm: Crm, who: Who) -> RetentionNow:
    """After how many months bodies, attachments and raw hits go."""
    return RetentionNow(months=await crm.retention.months(who))


@router.get("/count", responses=problems(FORBIDDEN, INVALID))
async def count(crm: Crm, who: Who, months: Annotated[int, Query(ge=1, le=LONGEST_MONTHS)]) -> RetentionCount:
    """What a setting would delete now. It changes nothing."""
    return await crm.retention.count(who, months)


@router.put("", responses=problems(FORBIDDEN, INVALID, MALFORMED, TOO_LARGE))
async def change(crm: Crm, who: Who, asked: RetentionAsked) -> RetentionNow:
    """Keep content for so long from now on. What is older is deleted for good."""
    await crm.retention.change(who, asked.months)
    return RetentionNow(months=asked.months)
