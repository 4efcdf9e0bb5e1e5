"""Verdicts in numbers."""

import re
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.model.accuracy import Accuracy
from shared.http.problems import INVALID

router = APIRouter(prefix="/v1/accuracy", tags=["feed"])
A_MONTH = timedelta(days=29)


def _written_out(typed: object) -> object:
    """Pydantic reads a number as seconds since 1970; that is no day that anybody asked for."""
    if isinstance(typed, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed, re.ASCII):
        raise ValueError("a day is written YYYY-MM-DD")
    return typed


Day = Annotated[date, BeforeValidator(_written_out)]
From = Annotated[Day | None, Query(alias="from", description="first UTC day; else 30 days in all")]
To = Annotated[Day | None, Query(description="last UTC day; else today")]


@router.get("", responses=problems(INVALID))
async def accuracy(crm: Crm, who: Who, first: From = None, to: To = None) -> Accuracy:
    """What hits on your mail were taken for, at most 366 days; for super admins, on all of the account's."""
    last = to or crm.clock().date()
    return await crm.accuracy.of(who, first or _before(last), last)


def _before(last: date) -> date:
    return max(last, date.min + A_MONTH) - A_MONTH
