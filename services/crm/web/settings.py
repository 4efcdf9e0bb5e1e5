"""Settings › Objects › Activities › Email log and track, for super admins (A1-A6, L8, L13, P1)."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.crm.model.accounts import EmailSettings
from services.crm.model.dry_run import OtherSettings
from services.crm.model.never_log import NeverLogEntry
from services.crm.problems import CHANGED_MEANWHILE, PRECONDITION_FAILED
from services.crm.rules.never_log import MAX_ENTRIES, NotAPattern, canonical, readable
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.words import gettext
from shared.events.log_reasons import log_reason
from shared.http.problems import INVALID, Problem

router = APIRouter(prefix="/settings")
PAGE = 50
_SEE_OTHER = 303
_LONGEST_LIST = 400_000  # characters typed at once
_HERE = "/settings/email"
_SWITCHES = tuple(EmailSettings.model_fields)
_SAVED = gettext("Saved. It counts from now on.")
_OVERTAKEN = gettext("Somebody else has changed these settings meanwhile. Look at them again, then repeat.")

Typed = Annotated[str, Form(max_length=_LONGEST_LIST)]
Chosen = Annotated[list[UUID] | None, Form(max_length=10_000)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("")
async def root() -> Response:
    """There is one page of settings."""
    return RedirectResponse(_HERE, _SEE_OTHER)


@router.get("/email")
async def email(visit: SignedInPage) -> Response:
    """Switches and never-log list."""
    settings = await visit.desk.application.email_settings.get(visit.visitor.as_signed_in())
    return visit.page("settings_email.html", settings=settings, entries=await _entries(visit))


@router.post("/email")
async def change(visit: ChangingPage) -> Response:
    """Save the switches: a box that is not sent is unticked."""
    form = await visit.request.form()
    settings = EmailSettings(**{name: name in form for name in _SWITCHES})
    who, page = visit.visitor.as_signed_in(), visit.desk.application.email_settings
    try:
        await page.change(who, settings, seen=str(form.get("seen", "")) or None)
    except Problem as problem:
        if problem.problem not in {CHANGED_MEANWHILE, PRECONDITION_FAILED}:
            raise
        return _switches(visit, await page.get(who), fault=_OVERTAKEN)
    return _switches(visit, settings, said=_SAVED) if _scripted(visit) else _back()


@router.post("/never-log")
async def add_never_log(visit: ChangingPage, added: Typed = "") -> Response:
    """Add what was typed, an entry per line. What is wrong is said, and nothing typed is lost."""
    lines = _lines(added)
    if len(lines) > MAX_ENTRIES:
        return await _never_log(visit, full=True, typed=added)
    if (wrong := _wrong(lines)) is not None:
        return await _never_log(visit, wrong=wrong, typed=added)
    try:
        new = await visit.desk.application.never_log.add(visit.visitor.as_signed_in(), lines)
    except Problem as problem:
        if problem.problem is not INVALID:
            raise
        return await _never_log(visit, full=True, typed=added)
    return await _never_log(visit, new=[entry.id for entry in new]) if _scripted(visit) else _back()


@router.post("/never-log/remove")
async def remove_never_log(visit: ChangingPage, removed: Chosen = None) -> Response:
    """Take the ticked entries off the list."""
    await visit.desk.application.never_log.remove(visit.visitor.as_signed_in(), removed or [])
    return await _never_log(visit) if _scripted(visit) else _back()


@router.post("/dry-run")
async def dry_run(
    visit: ChangingPage, added: Typed = "", removed: Chosen = None, off: Annotated[bool, Form()] = False
) -> Response:
    """What the typed and ticked changes would have decided on past mail. It writes nothing."""
    other = OtherSettings(
        logging=False if off else None, added=tuple(_lines(added)), removed=tuple(removed or ())
    )
    if len(other.added) > MAX_ENTRIES:
        raise Problem(INVALID, "Too many entries.")
    if (wrong := _wrong(other.added)) is not None:
        return visit.page("_dry_run.html", wrong=wrong, status_code=_refused(visit, 422))
    who = visit.visitor.as_signed_in()
    found = await visit.desk.application.dry_runs.of(who, other)
    names = {user.id: user.name for user in await visit.desk.application.accounts.users(who.account_id)}
    return visit.page(
        "_dry_run.html",
        found=found,
        wrong=None,
        names=names,
        why=lambda reasons: " ".join(log_reason(one.rule, visit.language) for one in reasons),
    )


@router.get("/audit")
async def audit(visit: SignedInPage, after: Cursor = None) -> Response:
    """Who changed what, newest first; with a cursor the rows alone."""
    who = visit.visitor.as_signed_in()
    page = await visit.desk.application.audit.page(who, after, PAGE)
    names = {user.id: user.name for user in await visit.desk.application.accounts.users(who.account_id)}
    template = "settings_audit.html" if after is None else "_audit_rows.html"
    return visit.page(template, page=page, names=names)


def _lines(typed: str) -> list[str]:
    return [line.strip() for line in typed.splitlines() if line.strip()]


def _wrong(lines: Sequence[str]) -> str | None:
    """The first that is neither an address nor a domain."""
    for line in lines:
        try:
            canonical(line)
        except NotAPattern:
            return line
    return None


def _scripted(visit: SignedInVisit) -> bool:
    return visit.request.headers.get("hx-request") == "true"


def _refused(visit: SignedInVisit, status: int) -> int:
    """htmx shows only what came out well; a refusal in words is shown in its place."""
    return 200 if _scripted(visit) else status


def _back() -> Response:
    """Without script: to the page, which shows what is true now."""
    return RedirectResponse(_HERE, _SEE_OTHER)


def _switches(
    visit: SignedInVisit, settings: EmailSettings, said: str | None = None, fault: str | None = None
) -> Response:
    status = 200 if fault is None else _refused(visit, 409)
    return visit.page("_email_switches.html", settings=settings, said=said, fault=fault, status_code=status)


async def _never_log(
    visit: SignedInVisit,
    new: Sequence[UUID] = (),
    wrong: str | None = None,
    typed: str = "",
    *,
    full: bool = False,
) -> Response:
    """`wrong`: a line that is no entry; `full`: the list takes no more. Nothing was added then."""
    return visit.page(
        "_never_log.html",
        entries=await _entries(visit),
        new=new,
        wrong=wrong,
        full=full,
        most=MAX_ENTRIES,
        typed=typed,
        status_code=_refused(visit, 422) if wrong is not None or full else 200,
    )


async def _entries(visit: SignedInVisit) -> list[tuple[NeverLogEntry, str]]:
    """Each with how people write it."""
    found = await visit.desk.application.never_log.all(visit.visitor.as_signed_in())
    return [(entry, readable(entry.pattern)) for entry in found]
