"""Settings › Retention, for super admins (A6): counted first, then saved."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.crm.model.retention import RetentionCount
from services.crm.rules.retention import LONGEST_MONTHS
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext

router = APIRouter(prefix="/settings/retention")
_FAULT = gettext("Write a number of months from 1 to 240, or nothing.")
_SAVED = gettext("Saved. What is too old is deleted from now on.")
_SAVED_FOR_EVER = gettext("Saved. Bodies and attachments are kept.")
Months = Annotated[str, Form(max_length=10)]


@router.get("")
async def retention(visit: SignedInPage) -> Response:
    """How long content is kept."""
    return await _page(visit, "settings_retention.html")


@router.post("/count")
async def count(visit: ChangingPage, months: Months = "") -> Response:
    """What would be deleted, and the button to save. It changes nothing."""
    wanted, fault = _read(months)
    if fault is not None:
        return await _page(visit, _part(visit), typed=months, fault=fault)
    if wanted is None:
        return await _page(visit, _part(visit), typed="", asked=True)
    counted = await visit.desk.application.retention.count(visit.visitor.as_signed_in(), wanted)
    return await _page(visit, _part(visit), typed=months, asked=True, counted=counted)


@router.post("")
async def change(visit: ChangingPage, months: Months = "") -> Response:
    """Save it."""
    wanted, fault = _read(months)
    if fault is not None:
        return await _page(visit, _part(visit), typed=months, fault=fault)
    await visit.desk.application.retention.change(visit.visitor.as_signed_in(), wanted)
    return await _page(visit, _part(visit), said=_SAVED_FOR_EVER if wanted is None else _SAVED)


def _read(months: str) -> tuple[int | None, str | None]:
    """The number (None: for ever), and what is wrong with it."""
    typed = months.strip()
    if not typed:
        return None, None
    if not (typed.isascii() and typed.isdigit()) or not 1 <= int(typed) <= LONGEST_MONTHS:
        return None, _FAULT
    return int(typed), None


def _part(visit: SignedInVisit) -> str:
    """The part alone for htmx, the page without script."""
    scripted = visit.request.headers.get("hx-request") == "true"
    return "_retention.html" if scripted else "settings_retention.html"


async def _page(
    visit: SignedInVisit,
    template: str,
    typed: str | None = None,
    fault: str | None = None,
    counted: RetentionCount | None = None,
    said: str | None = None,
    *,
    asked: bool = False,
) -> Response:
    months = await visit.desk.application.retention.months(visit.visitor.as_signed_in())
    shown = typed if typed is not None else str(months or "")
    return visit.page(
        template,
        months=months,
        typed=shown,
        fault=fault,
        counted=counted,
        asked=asked,
        said=said,
        most=LONGEST_MONTHS,
    )
