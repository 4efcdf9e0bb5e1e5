"""The Accuracy page: what hits were taken for, over time and by provider."""

from datetime import UTC, datetime, time, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from services.crm.model.accuracy import Accuracy
from services.crm.rules.accuracy import Span, grouped
from services.crm.web import charts, words
from services.crm.web.charts import Column, Series
from services.crm.web.desk import SignedInPage, SignedInVisit
from services.crm.web.language import translations
from shared.events.engagements import Verdict
from shared.http.problems import NOT_FOUND, Problem

router = APIRouter()
SPANS = (7, 30, 90)
_DAYS_BY_BAR = {7: 1, 30: 1, 90: 7}
_PATTERNS = {
    Verdict.HUMAN: "plain",
    Verdict.PROXIED_HUMAN: "rising",
    Verdict.PRIVACY_PROXY: "dots",
    Verdict.MACHINE: "crossed",
    Verdict.SELF: "level",
    Verdict.OLDER_MESSAGE: "upright",
}


@router.get("/accuracy")
async def accuracy(visit: SignedInPage, days: int = 30) -> Response:
    """The page; for a script, the numbers of another span. Problem 404: no such span."""
    if days not in SPANS:
        raise Problem(NOT_FOUND, "There are 7, 30 and 90 days.")
    last = visit.desk.now().astimezone(UTC).date()
    found = await visit.desk.application.accuracy.of(
        visit.visitor.as_signed_in(), last - timedelta(days=days - 1), last
    )
    series = _series(visit, found)
    scripted = visit.request.headers.get("hx-request") == "true"
    return visit.page(
        "_accuracy.html" if scripted else "accuracy.html",
        found=found,
        span=days,
        spans=SPANS,
        charts=charts,
        series=series,
        columns=[_column(visit, bar, series) for bar in grouped(found.days, _DAYS_BY_BAR[days])],
        midnight=datetime.combine(last, time(), UTC),
    )


def _series(visit: SignedInVisit, found: Accuracy) -> list[Series]:
    """One for each verdict that there is."""
    translated = translations(visit.language).gettext
    return [
        Series(verdict.value, translated(words.verdict(verdict, found.whole_account)), _PATTERNS[verdict])
        for verdict in Verdict
        if verdict in found.verdicts
    ]


def _column(visit: SignedInVisit, bar: Span, series: list[Series]) -> Column:
    language = visit.language
    first, last = words.date_of(bar.first, language), words.date_of(bar.last, language)
    name = first if bar.first == bar.last else f"{first} – {last}"
    amounts = {verdict.value: number for verdict, number in bar.verdicts.items()}
    told = [f"{one.words} {words.number(amounts[one.key], language)}" for one in series if one.key in amounts]
    return Column(first, name, ", ".join(told), amounts)
