"""The page of notifications (what comes up, quiet hours, who is muted), and what mutes elsewhere (B8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.crm.api.notification_policies import Policy, read_policy, shown_policy
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext, weekdays
from shared.events.notification_policies import MOST_DAYS, MOST_QUIET_HOURS
from shared.http.problems import CONFLICT, Problem

router = APIRouter()
_SEE_OTHER = 303
_PAGE = "/profile/notifications"
_ALL_DAYS = frozenset("1234567")
_SAVED = gettext("Saved. It counts from now on.")
_FAULT_PAUSE = gettext("Write a number of days from 1 to 365.")
_FAULT_HOURS = gettext("Quiet hours need both times and at least one day.")
_FAULT = gettext("That could not be saved. Check what you typed.")
_TOO_MANY = gettext("Too many contacts are muted. Unmute one in your notification settings first.")


@dataclass(frozen=True, slots=True)
class Span:
    """Quiet hours as they are typed; `days`: the ticked ones."""

    begin: str = ""
    end: str = ""
    days: frozenset[str] = _ALL_DAYS


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """What the form shows. `fault`: a text of the catalogue; `wrong`: the field that it is about."""

    opens: str
    pause_days: str
    clicks: bool
    spans: tuple[Span, ...]
    fault: str = ""
    wrong: str = ""

    @property
    def rows(self) -> tuple[Span, ...]:
        """With an empty one to add, while there is room."""
        return (*self.spans, Span()) if len(self.spans) < MOST_QUIET_HOURS else self.spans


@router.get(_PAGE)
async def page(visit: SignedInPage) -> Response:
    """The forms."""
    return await _page(visit, "notifications.html")


@router.post(_PAGE)
async def change(visit: ChangingPage) -> Response:
    """Save the policy; a button of a row of quiet hours leaves that one out."""
    form = _read(await visit.request.form())
    try:
        wanted = read_policy(_asked(form))
    except ValidationError as error:
        return await _part(visit, form=_with_fault(form, error))
    await visit.desk.application.notification_policies.change(visit.visitor.as_signed_in(), wanted)
    return await _part(visit, said=_SAVED)


@router.post(_PAGE + "/unmute/{contact_id}")
async def unmute(visit: ChangingPage, contact_id: UUID) -> Response:
    """Let a contact's opens come up again; the list as it is then."""
    who = visit.visitor.as_signed_in()
    await visit.desk.application.mutes.mute_contact(who, contact_id, muted=False)
    return await _part(visit, template="_muted_contacts.html")


@router.put("/feed/rows/{message_id}/mute")
async def mute_row(visit: ChangingPage, message_id: UUID) -> Response:
    """Mute a mail; its row as it is then."""
    return await _row(visit, message_id, muted=True)


@router.delete("/feed/rows/{message_id}/mute")
async def unmute_row(visit: ChangingPage, message_id: UUID) -> Response:
    """Take that back; its row as it is then."""
    return await _row(visit, message_id, muted=False)


@router.put("/mail/{message_id}/mute")
async def mute_mail(visit: ChangingPage, message_id: UUID) -> Response:
    """Mute a mail; the button as it is then."""
    await visit.desk.application.mutes.mute_mail(visit.visitor.as_signed_in(), message_id, muted=True)
    return _button(visit, f"/mail/{message_id}/mute", muted=True)


@router.delete("/mail/{message_id}/mute")
async def unmute_mail(visit: ChangingPage, message_id: UUID) -> Response:
    """Take that back; the button as it is then."""
    await visit.desk.application.mutes.mute_mail(visit.visitor.as_signed_in(), message_id, muted=False)
    return _button(visit, f"/mail/{message_id}/mute", muted=False)


@router.put("/contacts/{contact_id}/mute")
async def mute_contact(visit: ChangingPage, contact_id: UUID) -> Response:
    """Mute a contact; the button as it is then, with the words that say why not if there are too many."""
    who, path = visit.visitor.as_signed_in(), f"/contacts/{contact_id}/mute"
    try:
        await visit.desk.application.mutes.mute_contact(who, contact_id, muted=True)
    except Problem as problem:
        if problem.problem is not CONFLICT:
            raise
        return _button(visit, path, muted=False, fault=_TOO_MANY)
    return _button(visit, path, muted=True)


@router.delete("/contacts/{contact_id}/mute")
async def unmute_contact(visit: ChangingPage, contact_id: UUID) -> Response:
    """Take that back; the button as it is then."""
    await visit.desk.application.mutes.mute_contact(visit.visitor.as_signed_in(), contact_id, muted=False)
    return _button(visit, f"/contacts/{contact_id}/mute", muted=False)


async def _row(visit: SignedInVisit, message_id: UUID, *, muted: bool) -> Response:
    application, who = visit.desk.application, visit.visitor.as_signed_in()
    await application.mutes.mute_mail(who, message_id, muted=muted)
    row = await application.feed.row(who.account_id, who.user_id, message_id)
    return visit.page("_feed_row.html", row=row)


def _button(visit: SignedInVisit, path: str, *, muted: bool, fault: str = "") -> Response:
    return visit.page("_mute.html", mute_path=path, muted=muted, mute_fault=fault)


def _read(form: FormData) -> PolicyForm:
    """As it was typed, without rows that are empty or to be removed."""
    removed = str(form.get("left_out", ""))
    spans = [
        Span(str(form.get(f"begin-{row}", "")), str(form.get(f"end-{row}", "")), _ticked(form, row))
        for row in range(MOST_QUIET_HOURS)
        if str(row) != removed
    ]
    return PolicyForm(
        opens=str(form.get("opens", "")),
        pause_days=str(form.get("pause_days", "")).strip(),
        clicks="clicks" in form,
        spans=tuple(span for span in spans if span.begin or span.end),
    )


def _ticked(form: FormData, row: int) -> frozenset[str]:
    return frozenset(str(day) for day in form.getlist(f"days-{row}"))


def _asked(form: PolicyForm) -> Policy:
    """Raises ValidationError."""
    spans = [
        {"days": [int(day) for day in span.days & _ALL_DAYS], "begin": span.begin, "end": span.end}
        for span in form.spans
    ]
    # The number is not asked for unless it counts.
    pause = {"pause_days": form.pause_days} if form.opens == "after_pause" or form.pause_days else {}
    return Policy.model_validate({"opens": form.opens, "clicks": form.clicks, "quiet_hours": spans, **pause})


def _with_fault(form: PolicyForm, error: ValidationError) -> PolicyForm:
    field = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
    fault = {"pause_days": _FAULT_PAUSE, "quiet_hours": _FAULT_HOURS}.get(field, _FAULT)
    return PolicyForm(form.opens, form.pause_days, form.clicks, form.spans, fault, field)


def _form_of(policy: Policy) -> PolicyForm:
    spans = (Span(one.begin, one.end, _texts(one.days)) for one in policy.quiet_hours)
    return PolicyForm(policy.opens.value, str(policy.pause_days), policy.clicks, tuple(spans))


def _texts(days: Iterable[int]) -> frozenset[str]:
    return frozenset(str(day) for day in days)


async def _part(visit: SignedInVisit, template: str = "_notification_policy.html", **more: Any) -> Response:
    """The part for htmx; without script the whole page, or the way back to it."""
    if visit.request.headers.get("hx-request") == "true":
        return await _page(visit, template, **more)
    if more.get("form") is None:
        return RedirectResponse(_PAGE, _SEE_OTHER)
    return await _page(visit, "notifications.html", status_code=422, **more)


async def _page(
    visit: SignedInVisit,
    template: str,
    *,
    form: PolicyForm | None = None,
    said: str = "",
    status_code: int = 200,
) -> Response:
    application, who = visit.desk.application, visit.visitor.as_signed_in()
    policy = shown_policy(await application.notification_policies.get(who))
    return visit.page(
        template,
        status_code=status_code,
        form=form or _form_of(policy),
        said=said,
        most_days=MOST_DAYS,
        weekdays=weekdays(visit.language),
        muted_contacts=await application.mutes.contacts(who),
    )
