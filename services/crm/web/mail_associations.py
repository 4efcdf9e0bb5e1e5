"""On which records a mail stands: shown and put right on the mail's page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.crm.model.mails import MailAssociations
from services.crm.model.records import Association
from services.crm.problems import MAIL_NOT_LOGGED, NEVER_LOGGED, NO_SUCH_RECORD
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.mail import mail_page
from services.crm.web.words import gettext
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.http.problems import CONFLICT, INVALID, Problem

router = APIRouter(prefix="/mail/{message_id}/associations")
_SEE_OTHER = 303
_NEVER_LOGGED = gettext("No mail is logged on %(names)s: the never-log list covers them.")
_FAULTS = {
    INVALID: gettext(
        "A logged mail stands on at least one record, and on at most 200. "
        "To take it off all of them, delete the mail."
    ),
    NO_SUCH_RECORD: gettext("One of the associated records does not exist any more."),
    MAIL_NOT_LOGGED: gettext("This mail is not logged, so it can't stand on records."),
    CONFLICT: gettext("The associations of this mail were changed too often."),
}


@dataclass(frozen=True, slots=True)
class AssociationsForm:
    """What the form shows. `was`: the records that it was opened with, one a line."""

    message_id: UUID
    chosen: tuple[Association, ...]
    was: str
    fault: str = ""
    names: str = field(default="", metadata={"about": "who the fault is about"})


@router.get("")
async def card(visit: SignedInPage, message_id: UUID) -> Response:
    """The list with its button; for another mail's page, the way back to it."""
    return await _card(visit, message_id, saved=False)


@router.get("/edit")
async def edit_form(visit: SignedInPage, message_id: UUID) -> Response:
    """The form in its place."""
    found = await visit.desk.application.mail_associations.get(visit.visitor.as_signed_in(), message_id)
    return await _shown(visit, AssociationsForm(message_id, _chosen(found), _lines(found)), 200)


@router.post("")
async def edit(visit: ChangingPage, message_id: UUID) -> Response:
    """Save what was ticked and unticked since the form was opened; what others changed meanwhile stays."""
    book, who = visit.desk.application.mail_associations, visit.visitor.as_signed_in()
    sent = await visit.request.form()
    typed, was = _typed(sent), _refs(str(sent.get("was", "")).split())
    try:
        await book.change(who, message_id, typed.keys() - was, was - typed.keys())
    except Problem as problem:
        if problem.problem not in _FAULTS and problem.problem is not NEVER_LOGGED:
            raise
        chosen = tuple(
            Association(record_type=ref.record_type, record_id=ref.record_id, name=name)
            for ref, name in typed.items()
        )
        form = AssociationsForm(
            message_id,
            chosen,
            str(sent.get("was", "")),
            _FAULTS.get(problem.problem, _NEVER_LOGGED),
            _named(problem, typed),
        )
        return await _shown(visit, form, int(problem.problem.status))
    if _by_script(visit):
        return await _card(visit, message_id, saved=True)
    return RedirectResponse(f"/mail/{message_id}", _SEE_OTHER)


async def _card(visit: SignedInVisit, message_id: UUID, *, saved: bool) -> Response:
    mails, who = visit.desk.application.mails, visit.visitor.as_signed_in()
    found = await mails.get(who, message_id, visit.language)
    return visit.page("_mail_associations.html", mail=found, saved=saved, swapped=True)


async def _shown(visit: SignedInVisit, form: AssociationsForm, status: int) -> Response:
    if _by_script(visit):
        return visit.page("_mail_associations_form.html", status_code=status, form=form)
    return await mail_page(visit, form.message_id, status_code=status, form=form)


def _chosen(found: MailAssociations) -> tuple[Association, ...]:
    return tuple(
        Association(record_type=one.record_type, record_id=one.record_id, name=one.name or "")
        for one in found.records
    )


def _lines(found: MailAssociations) -> str:
    return "\n".join(f"{one.record_type.value}:{one.record_id}" for one in found.records)


def _typed(sent: FormData) -> dict[RecordRef, str]:
    """The ticked records with the names that the form showed."""
    parts = [str(one).split(":", 2) for one in sent.getlist("association")]
    named = {f"{one[0]}:{one[1]}": one[2] for one in parts if len(one) == 3}
    return {ref: named[f"{ref.record_type.value}:{ref.record_id}"] for ref in _refs(named)}


def _refs(lines: list[str] | dict[str, str]) -> set[RecordRef]:
    """Those that can be records."""
    found = set()
    for line in lines:
        type_, _, id_ = line.partition(":")
        try:
            found.add(RecordRef(record_type=RecordType(type_), record_id=UUID(id_)))
        except ValueError:
            continue
    return found


def _named(problem: Problem, names: Mapping[RecordRef, str]) -> str:
    covered = set(problem.members.get("record_ids", ()))
    return ", ".join(name for ref, name in names.items() if str(ref.record_id) in covered)


def _by_script(visit: SignedInVisit) -> bool:
    return visit.request.headers.get("hx-request") == "true"
