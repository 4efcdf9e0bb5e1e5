"""Contacts, and the page of any record with its timeline."""

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.crm.model.base import Page
from services.crm.model.records import Contact
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.web.application import RecordBook
from services.crm.web.desk import ChangingPage, SignedInPage, SignedInVisit
from services.crm.web.properties import properties
from services.crm.web.words import RECORD_PATHS, gettext
from shared.directory.contract import RecordRef
from shared.http.problems import CONFLICT, Problem

router = APIRouter()
PAGE = 50
Cursor = Annotated[str | None, Query(max_length=200)]
SearchText = Annotated[str, Query(max_length=200)]
TypeFilter = Annotated[TimelineType | None, Query(alias="type")]
_TYPES = {path: type_ for type_, path in RECORD_PATHS.items()}


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


@router.get("/contacts")
async def contacts(visit: SignedInPage, q: SearchText = "") -> Response:
    """The list, searched by name, address or title."""
    return visit.page("contacts.html", page=await _contacts(visit, q, None), query=q.strip())


@router.get("/contacts/rows")
async def contact_rows(visit: SignedInPage, q: SearchText = "", after: Cursor = None) -> Response:
    """The rows alone: of a search as it is typed, or those after a cursor."""
    return visit.page("_contact_rows.html", page=await _contacts(visit, q, after), query=q.strip())


@router.get("/contacts/{record_id}")
@router.get("/companies/{record_id}")
@router.get("/deals/{record_id}")
@router.get("/tickets/{record_id}")
async def record(visit: SignedInPage, record_id: UUID, type_: TypeFilter = None) -> Response:
    """A record with properties, associations and the newest of its timeline."""
    folder = _folder(visit)
    book, account_id = _book(visit, folder), visit.visitor.account_id
    found = await book.get(account_id, record_id)
    shown = await _timeline(visit, folder, record_id, None, type_)
    owner = shown.names.get(found.owner_id) if found.owner_id else None
    return visit.page(
        "record.html",
        record=found,
        record_type=_TYPES[folder],
        properties=properties(found, owner),
        associations=await book.associations(account_id, record_id),
        timeline=shown,
    )


@router.get("/contacts/{record_id}/timeline")
@router.get("/companies/{record_id}/timeline")
@router.get("/deals/{record_id}/timeline")
@router.get("/tickets/{record_id}/timeline")
async def timeline(
    visit: SignedInPage, record_id: UUID, after: Cursor = None, type_: TypeFilter = None
) -> Response:
    """Without cursor the timeline with its filters, with one the rows after it."""
    template = "_timeline.html" if after is None else "_timeline_rows.html"
    return visit.page(template, timeline=await _timeline(visit, _folder(visit), record_id, after, type_))


@router.put("/contacts/{record_id}/pins/{message_id}")
@router.put("/companies/{record_id}/pins/{message_id}")
@router.put("/deals/{record_id}/pins/{message_id}")
@router.put("/tickets/{record_id}/pins/{message_id}")
async def pin(visit: ChangingPage, record_id: UUID, message_id: UUID, type_: TypeFilter = None) -> Response:
    """Pin a mail; the timeline as it is then, or with the words that say why not."""
    folder, fault = _folder(visit), ""
    try:
        await visit.desk.application.pins.put(visit.visitor.account_id, _ref(folder, record_id), message_id)
    except Problem as problem:
        if problem.problem is not CONFLICT:
            raise
        fault = gettext("Ten mails are pinned here already. Unpin one first.")
    shown = await _timeline(visit, folder, record_id, None, type_)
    return visit.page("_timeline.html", timeline=replace(shown, fault=fault))


@router.delete("/contacts/{record_id}/pins/{message_id}")
@router.delete("/companies/{record_id}/pins/{message_id}")
@router.delete("/deals/{record_id}/pins/{message_id}")
@router.delete("/tickets/{record_id}/pins/{message_id}")
async def unpin(visit: ChangingPage, record_id: UUID, message_id: UUID, type_: TypeFilter = None) -> Response:
    """Take a pin off; the timeline as it is then."""
    folder = _folder(visit)
    await visit.desk.application.pins.remove(visit.visitor.account_id, _ref(folder, record_id), message_id)
    return visit.page("_timeline.html", timeline=await _timeline(visit, folder, record_id, None, type_))


async def _contacts(visit: SignedInVisit, query: str, after: str | None) -> Page[Contact]:
    books = visit.desk.application.records
    return await books.contacts.page(visit.visitor.account_id, query.strip(), after, PAGE)


async def _timeline(
    visit: SignedInVisit, folder: str, record_id: UUID, after: str | None, type_: TimelineType | None
) -> TimelineView:
    application, account_id = visit.desk.application, visit.visitor.account_id
    ref = _ref(folder, record_id)
    page = await application.timelines.page(account_id, ref, after, PAGE, type_)
    pinned = await application.pins.of(account_id, ref) if type_ in {None, TimelineType.EMAIL} else ()
    names = {user.id: user.name for user in await application.accounts.users(account_id)}
    return TimelineView(page, pinned, names, f"/{folder}/{record_id}", type_, first=after is None)


def _ref(folder: str, record_id: UUID) -> RecordRef:
    return RecordRef(record_type=_TYPES[folder], record_id=record_id)


def _folder(visit: SignedInVisit) -> str:
    return visit.request.url.path.split("/")[1]


def _book(visit: SignedInVisit, folder: str) -> RecordBook:
    books = visit.desk.application.records
    all_books: dict[str, RecordBook] = {
        "contacts": books.contacts,
        "companies": books.companies,
        "deals": books.deals,
        "tickets": books.tickets,
    }
    return all_books[folder]
