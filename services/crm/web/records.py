"""Contacts, and the page of any record with its timeline."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.crm.model.base import Page
from services.crm.model.records import Contact
from services.crm.model.timeline import TimelineRow, TimelineType
from services.crm.web.application import RecordBook
from services.crm.web.desk import SignedInPage, SignedInVisit
from services.crm.web.properties import properties
from services.crm.web.words import RECORD_PATHS
from shared.directory.contract import RecordRef

router = APIRouter()
PAGE = 50
Cursor = Annotated[str | None, Query(max_length=200)]
SearchText = Annotated[str, Query(max_length=200)]
TypeFilter = Annotated[TimelineType | None, Query(alias="type")]
_TYPES = {path: type_ for type_, path in RECORD_PATHS.items()}


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Rows of a timeline, the colleagues' names by id, and where it is: its record's path and filter."""

    page: Page[TimelineRow]
    names: dict[UUID, str]
    path: str
    type: TimelineType | None


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


async def _contacts(visit: SignedInVisit, query: str, after: str | None) -> Page[Contact]:
    books = visit.desk.application.records
    return await books.contacts.page(visit.visitor.account_id, query.strip(), after, PAGE)


async def _timeline(
    visit: SignedInVisit, folder: str, record_id: UUID, after: str | None, type_: TimelineType | None
) -> TimelineView:
    application, account_id = visit.desk.application, visit.visitor.account_id
    ref = RecordRef(record_type=_TYPES[folder], record_id=record_id)
    page = await application.timelines.page(account_id, ref, after, PAGE, type_)
    names = {user.id: user.name for user in await application.accounts.users(account_id)}
    return TimelineView(page, names, f"/{folder}/{record_id}", type_)


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
