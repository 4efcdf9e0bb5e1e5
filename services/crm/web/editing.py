"""Making, editing and deleting records, and taking a deletion back."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.crm.model.accounts import User
from services.crm.model.records import AnyRecord, Association
from services.crm.problems import ADDRESS_TAKEN, CHANGED_MEANWHILE, NO_SUCH_RECORD, PRECONDITION_FAILED
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.forms import (
    ASSOCIATIONS,
    FIELDS,
    Faults,
    Field,
    InvalidForm,
    Typed,
    Values,
    as_json,
    chosen,
    empty_values,
    read,
    typed_values,
    values_of,
)
from services.crm.web.kinds import KINDS, Kind, kind_of
from services.crm.web.lists import rows_of
from services.crm.web.merging import merged
from services.crm.web.records import record_page
from services.crm.web.words import gettext
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.http.problems import NOT_FOUND, Problem

router = APIRouter()
Associated = Literal["record", "mail"]  # what the records are associated with
_SEE_OTHER = 303
_FOUND = 10  # records offered by a search for associations
_MEANWHILE = gettext(
    "Somebody else changed this record meanwhile. Nothing that you typed is lost: both values stand below. "
    "Save again to keep yours."
)
_TAKEN = gettext("Another contact has this address.")
_GONE = gettext("The owner or an associated record does not exist any more.")
_RESTORE_TAKEN = gettext("An address of it is another contact's now. Take it away there first.")
_RESTORE_GONE = gettext("It can't be brought back any more.")


@dataclass(frozen=True, slots=True)
class FormView:
    """A form as its template shows it. `record_id` None: of a new record."""

    kind: Kind
    values: Values
    associations: list[Association]
    users: list[User]
    was: str
    record_id: UUID | None = None
    version: int = 0
    notice: str | None = None
    faults: Faults = field(default_factory=dict)
    theirs: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    focus: str = "name"

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the kind."""
        return FIELDS[self.kind.type]

    @property
    def action(self) -> str:
        """Where it is sent."""
        return f"/{self.kind.path}/{self.record_id}/edit" if self.record_id else f"/{self.kind.path}/new"

    @property
    def cancel(self) -> str:
        """Where to go without saving."""
        return f"/{self.kind.path}/{self.record_id}" if self.record_id else f"/{self.kind.path}"

    @property
    def names(self) -> dict[str, str]:
        """Colleagues' names by id."""
        return {str(user.id): user.name for user in self.users}


async def new_form(visit: SignedInPage) -> Response:
    """The empty form; the visitor is the owner unless another is chosen."""
    kind = kind_of(visit.request)
    values = empty_values(kind.type) | {"owner_id": str(visit.visitor.user_id)}
    view = FormView(kind, values, [], await _users(visit), as_json({}))
    return visit.page("record_new.html", form=view)


async def create(visit: ChangingPage) -> Response:
    """Make the record and go to it; or the form again with what is wrong."""
    kind = kind_of(visit.request)
    typed = Typed(empty_values(kind.type), {}, 0, {})
    try:
        typed = typed_values(kind.type, await _form(visit))
        fields, associations = read(kind.type, typed.values, set(typed.values), new=True)
        record = await visit.desk.application.records.of(kind.type).create(
            visit.visitor.account_id, fields, associations or (), by=visit.visitor.user_id
        )
    except (InvalidForm, Problem) as error:
        view = FormView(
            kind,
            typed.values,
            chosen(typed.values, typed.names),
            await _users(visit),
            as_json({}),
            faults=_faults(error),
        )
        whole = "_record_form.html" if _by_script(visit) else "record_new.html"
        return visit.page(whole, status_code=_status(error), form=view)
    return _go(visit, f"/{kind.path}/{record.id}")


async def edit_form(
    visit: SignedInPage, record_id: UUID, focus: Annotated[str, Query(alias="field", max_length=50)] = "name"
) -> Response:
    """The form in place of the record's properties; without script, on the record's page. `field`: where the
    cursor stands at first."""
    kind = kind_of(visit.request)
    record, associations = await _record(visit, kind, record_id)
    values = values_of(kind.type, record, associations)
    view = FormView(
        kind,
        values,
        list(associations),
        await _users(visit),
        as_json(values),
        record_id,
        record.version,
        focus=focus,
    )
    return await _shown(visit, view, 200)


async def edit(visit: ChangingPage, record_id: UUID) -> Response:
    """Save what was changed. 412: somebody else was faster, and the form says what they saved."""
    kind = kind_of(visit.request)
    record, associations = await _record(visit, kind, record_id)
    now = values_of(kind.type, record, associations)
    typed = Typed(now, now, record.version, {})
    try:
        typed = typed_values(kind.type, await _form(visit))
        changed = {name for name, value in typed.values.items() if value != typed.was.get(name, "")}
        if changed:
            fields, associated = read(kind.type, typed.values, changed, new=False)
            await visit.desk.application.records.of(kind.type).edit(
                visit.visitor.account_id,
                record_id,
                fields,
                associated,
                expected=frozenset({typed.version}),
                by=visit.visitor.user_id,
            )
    except InvalidForm as error:
        return await _again(visit, kind, record_id, typed, error)
    except Problem as error:
        if error.problem in {PRECONDITION_FAILED, CHANGED_MEANWHILE}:
            return await _meanwhile(visit, kind, record_id, typed)
        return await _again(visit, kind, record_id, typed, error)
    if _by_script(visit):
        answer = await card(visit, record_id)
        answer.headers["HX-Push-Url"] = f"/{kind.path}/{record_id}"
        return answer
    return RedirectResponse(f"/{kind.path}/{record_id}", _SEE_OTHER)


async def card(visit: SignedInPage, record_id: UUID) -> Response:
    """Properties and associations alone."""
    return await record_page(visit, record_id, template="_record_card.html")


async def delete(visit: ChangingPage, record_id: UUID) -> Response:
    """Delete, and offer to take it back."""
    kind = kind_of(visit.request)
    ref = RecordRef(record_type=kind.type, record_id=record_id)
    await visit.desk.application.recycle_bin.delete(visit.visitor.as_signed_in(), ref)
    return _go(visit, f"/{kind.path}?deleted={record_id}")


async def restore(visit: ChangingPage, record_id: UUID) -> Response:
    """Take the deletion back; or say why that can't be."""
    kind = kind_of(visit.request)
    ref = RecordRef(record_type=kind.type, record_id=record_id)
    try:
        await visit.desk.application.recycle_bin.restore(visit.visitor.as_signed_in(), ref)
    except Problem as error:
        if error.problem not in {ADDRESS_TAKEN, NOT_FOUND}:
            raise
        fault = _RESTORE_TAKEN if error.problem is ADDRESS_TAKEN else _RESTORE_GONE
        found = await rows_of(visit, kind, "", None)
        status = int(error.problem.status)
        return visit.page(
            "records.html", status_code=status, deleted=record_id, fault=fault, bulk=None, **found
        )
    return _go(visit, f"/{kind.path}/{record_id}")


@router.get("/associations/search")
async def search_associations(
    visit: SignedInPage,
    type_: Annotated[RecordType, Query(alias="associate_type")] = RecordType.COMPANY,
    q: Annotated[str, Query(alias="associate_q", max_length=200)] = "",
    of: Annotated[Associated, Query(alias="associate_of")] = "record",
) -> Response:
    """Records to associate: buttons that add one to the form."""
    found: list[Any] = []
    if q.strip():
        book = visit.desk.application.records.of(type_)
        found = list((await book.page(visit.visitor.account_id, q.strip(), None, _FOUND)).items)
    return visit.page("_associations_found.html", found=found, type=type_, query=q.strip(), of=of)


@router.get("/associations/chosen")
async def choose_association(
    visit: SignedInPage,
    type_: Annotated[RecordType, Query(alias="type")],
    record_id: Annotated[UUID, Query(alias="id")],
    of: Annotated[Associated, Query()] = "record",
) -> Response:
    """One chosen record as a line of the form. Problem 404."""
    found = await visit.desk.application.records.of(type_).get(visit.visitor.account_id, record_id)
    one = Association(record_type=type_, record_id=record_id, name=found.name)
    return visit.page("_association_chosen.html", one=one, of=of)


@router.get("/contacts/{record_id}/legal-basis")
async def legal_bases(
    visit: SignedInPage, record_id: UUID, after: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """The history of a contact's legal basis."""
    account_id = visit.visitor.account_id
    page = await visit.desk.application.legal_bases.history(account_id, record_id, after, 50)
    names = {user.id: user.name for user in await _users(visit)}
    return visit.page("_legal_bases.html", page=page, names=names, record_id=record_id)


for path in KINDS:
    router.add_api_route(f"/{path}/new", new_form, methods=["GET"])
    router.add_api_route(f"/{path}/new", create, methods=["POST"])
    router.add_api_route(f"/{path}/{{record_id}}/edit", edit_form, methods=["GET"])
    router.add_api_route(f"/{path}/{{record_id}}/edit", edit, methods=["POST"])
    router.add_api_route(f"/{path}/{{record_id}}/card", card, methods=["GET"])
    router.add_api_route(f"/{path}/{{record_id}}/delete", delete, methods=["POST"])
    router.add_api_route(f"/{path}/{{record_id}}/restore", restore, methods=["POST"])


async def _meanwhile(visit: SignedInVisit, kind: Kind, record_id: UUID, typed: Typed) -> Response:
    record, associations = await _record(visit, kind, record_id)
    now = values_of(kind.type, record, associations)
    both = merged(typed.was, typed.values, now)
    names = {f"{one.record_type.value}:{one.record_id}": one.name for one in associations} | typed.names
    view = FormView(
        kind,
        both.values,
        chosen(both.values, names),
        await _users(visit),
        as_json(now),
        record_id,
        record.version,
        notice=_MEANWHILE,
        theirs=_named(both.theirs, names),
        before=_named(both.before, names),
    )
    return await _shown(visit, view, int(PRECONDITION_FAILED.status))


async def _again(
    visit: SignedInVisit, kind: Kind, record_id: UUID, typed: Typed, error: InvalidForm | Problem
) -> Response:
    view = FormView(
        kind,
        typed.values,
        chosen(typed.values, typed.names),
        await _users(visit),
        as_json(typed.was),
        record_id,
        typed.version,
        faults=_faults(error),
    )
    return await _shown(visit, view, _status(error))


async def _shown(visit: SignedInVisit, view: FormView, status: int) -> Response:
    if _by_script(visit):
        return visit.page("_record_form.html", status_code=status, form=view)
    assert view.record_id is not None
    return await record_page(visit, view.record_id, status_code=status, form=view)


def _named(values: Values, names: dict[str, str]) -> Values:
    """Associations by their names, for people."""
    if ASSOCIATIONS not in values:
        return values
    return values | {ASSOCIATIONS: ", ".join(one.name for one in chosen(values, names))}


def _faults(error: InvalidForm | Problem) -> Faults:
    if isinstance(error, InvalidForm):
        return error.faults
    if error.problem is ADDRESS_TAKEN:
        return {"addresses": _TAKEN}
    if error.problem is NO_SUCH_RECORD:
        return {"": _GONE}
    raise error


def _status(error: InvalidForm | Problem) -> int:
    return int(error.problem.status) if isinstance(error, Problem) else 422


async def _record(
    visit: SignedInVisit, kind: Kind, record_id: UUID
) -> tuple[AnyRecord, tuple[Association, ...]]:
    book, account_id = visit.desk.application.records.of(kind.type), visit.visitor.account_id
    return await book.get(account_id, record_id), await book.associations(account_id, record_id)


async def _users(visit: SignedInVisit) -> list[User]:
    return await visit.desk.application.accounts.users(visit.visitor.account_id)


async def _form(visit: SignedInVisit) -> FormData:
    return await visit.request.form()


def _by_script(visit: SignedInVisit) -> bool:
    return visit.request.headers.get("hx-request") == "true"


def _go(visit: SignedInVisit, path: str) -> Response:
    """To another page: a script swaps it in."""
    if _by_script(visit):
        return Response(status_code=204, headers={"HX-Location": path})
    return RedirectResponse(path, _SEE_OTHER)
