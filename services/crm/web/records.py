"""The page of any record with its timeline."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.crm.model.base import Page
from services.crm.model.records import AnyRecord, Contact
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.rules.policy import why_untracked
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.kinds import KINDS, Kind, kind_of
from services.crm.web.properties import properties
from services.crm.web.words import gettext
from shared.directory.contract import RecordRef, UntrackedReason
from shared.http.problems import CONFLICT, Problem

router = APIRouter()
PAGE = 50
Cursor = Annotated[str | None, Query(max_length=200)]
TypeFilter = Annotated[TimelineType | None, Query(alias="type")]


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Rows of a timeline, the colleagues' names by id, and where it is: its record's path and filter.

    `pinned` stand on top of the first page, and of no page among `rows`. `fault`: a text of the catalogue.
    """

    page: Page[TimelineRow]
    pinned: tuple[TimelineRow, ...]
    names: dict[UUID, str]
    path: str
    type: TimelineType | None
    first: bool
    fault: str = ""

    @property
    def rows(self) -> tuple[TimelineRow, ...]:
        """Those that are not pinned."""
        on_top = {row.id for row in self.pinned}
        return tuple(row for row in self.page.items if row.id not in on_top)

    @property
    def filter(self) -> str:
        """The query that keeps the filter."""
        return f"?type={self.type.value}" if self.type else ""


async def record(visit: SignedInPage, record_id: UUID, type_: TypeFilter = None) -> Response:
    """A record with properties, associations and the newest of its timeline."""
    return await record_page(visit, record_id, type_)


async def record_page(
    visit: SignedInVisit,
    record_id: UUID,
    type_: TimelineType | None = None,
    *,
    template: str = "record.html",
    status_code: int = 200,
    form: object = None,
) -> Response:
    """The page, or the part of it that a template shows. `form`: in place of the properties. Problem 404."""
    kind = kind_of(visit.request)
    book, account_id = visit.desk.application.records.of(kind.type), visit.visitor.account_id
    found = await book.get(account_id, record_id)
    shown = await _timeline(visit, kind, record_id, None, type_)
    owner = shown.names.get(found.owner_id) if found.owner_id else None
    return visit.page(
        template,
        status_code=status_code,
        kind=kind,
        record=found,
        properties=properties(found, owner),
        associations=await book.associations(account_id, record_id),
        privacy=await _privacy(visit, found),
        muted=await _muted(visit, found),
        mute_path=f"/{kind.path}/{record_id}/mute",
        mute_fault="",
        timeline=shown,
        form=form,
    )


async def _muted(visit: SignedInVisit, record: AnyRecord) -> bool | None:
    """Whether the visitor muted the contact. None: it is none."""
    if not isinstance(record, Contact):
        return None
    return await visit.desk.application.mutes.contact_is_muted(visit.visitor.as_signed_in(), record.id)


async def _privacy(visit: SignedInVisit, record: AnyRecord) -> UntrackedReason | Literal["tracked"] | None:
    """Whether opens of a mail to this contact alone are tracked (P2). None: that is no matter of a basis,
    since the account does not ask for one, or the record is no contact."""
    if not isinstance(record, Contact):
        return None
    account = await visit.desk.application.accounts.get(visit.visitor.account_id)
    if account is None or not account.settings.data_privacy:
        return None
    return why_untracked(account, [record.legal_basis.kind]) or "tracked"


async def timeline(
    visit: SignedInPage, record_id: UUID, after: Cursor = None, type_: TypeFilter = None
) -> Response:
    """Without cursor the timeline with its filters, with one the rows after it."""
    template = "_timeline.html" if after is None else "_timeline_rows.html"
    kind = kind_of(visit.request)
    return visit.page(template, timeline=await _timeline(visit, kind, record_id, after, type_))


async def pin(visit: ChangingPage, record_id: UUID, message_id: UUID, type_: TypeFilter = None) -> Response:
    """Pin a mail; the timeline as it is then, or with the words that say why not."""
    kind, fault = kind_of(visit.request), ""
    record = RecordRef(record_type=kind.type, record_id=record_id)
    try:
        await visit.desk.application.pins.put(visit.visitor.account_id, record, message_id)
    except Problem as problem:
        if problem.problem is not CONFLICT:
            raise
        fault = gettext("Ten mails are pinned here already. Unpin one first.")
    shown = await _timeline(visit, kind, record_id, None, type_)
    return visit.page("_timeline.html", timeline=replace(shown, fault=fault))


async def unpin(visit: ChangingPage, record_id: UUID, message_id: UUID, type_: TypeFilter = None) -> Response:
    """Take a pin off; the timeline as it is then."""
    kind = kind_of(visit.request)
    record = RecordRef(record_type=kind.type, record_id=record_id)
    await visit.desk.application.pins.remove(visit.visitor.account_id, record, message_id)
    return visit.page("_timeline.html", timeline=await _timeline(visit, kind, record_id, None, type_))


for path in KINDS:
    router.add_api_route(f"/{path}/{{record_id}}", record, methods=["GET"])
    router.add_api_route(f"/{path}/{{record_id}}/timeline", timeline, methods=["GET"])
    pins = f"/{path}/{{record_id}}/pins/{{message_id}}"
    router.add_api_route(pins, pin, methods=["PUT"])
    router.add_api_route(pins, unpin, methods=["DELETE"])


async def _timeline(
    visit: SignedInVisit, kind: Kind, record_id: UUID, after: str | None, type_: TimelineType | None
) -> TimelineView:
    application, account_id = visit.desk.application, visit.visitor.account_id
    ref = RecordRef(record_type=kind.type, record_id=record_id)
    page = await application.timelines.page(account_id, ref, after, PAGE, type_)
    pinned = await application.pins.of(account_id, ref) if type_ in {None, TimelineType.EMAIL} else ()
    names = {user.id: user.name for user in await application.accounts.users(account_id)}
    return TimelineView(page, pinned, names, f"/{kind.path}/{record_id}", type_, first=after is None)
