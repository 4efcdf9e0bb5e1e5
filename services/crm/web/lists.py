"""Lists of contacts, companies, deals and tickets, searched as one types."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.crm.model.base import Page
from services.crm.web.desk import SignedInPage, SignedInVisit
from services.crm.web.kinds import KINDS, Kind, kind_of

router = APIRouter()
PAGE = 50
Cursor = Annotated[str | None, Query(max_length=200)]
SearchText = Annotated[str, Query(max_length=200)]


async def records(visit: SignedInPage, q: SearchText = "", deleted: UUID | None = None) -> Response:
    """The list, newest first. `deleted`: the record whose deletion the page offers to take back."""
    found = await rows_of(visit, kind_of(visit.request), q, None)
    return visit.page("records.html", deleted=deleted, fault=None, bulk=None, **found)


async def rows(visit: SignedInPage, q: SearchText = "", after: Cursor = None) -> Response:
    """The rows alone: of a search as it is typed, or those after a cursor."""
    return visit.page("_record_rows.html", **await rows_of(visit, kind_of(visit.request), q, after))


async def rows_of(visit: SignedInVisit, kind: Kind, query: str, after: str | None) -> dict[str, Any]:
    """What the templates of a list take."""
    application, account_id = visit.desk.application, visit.visitor.account_id
    book = application.records.of(kind.type)
    page: Page[Any] = await book.page(account_id, query.strip(), after, PAGE)
    names = {user.id: user.name for user in await application.accounts.users(account_id)}
    return {"kind": kind, "page": page, "query": query.strip(), "names": names}


for path in KINDS:
    router.add_api_route(f"/{path}", records, methods=["GET"])
    router.add_api_route(f"/{path}/rows", rows, methods=["GET"])
