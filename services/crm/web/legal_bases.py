"""One legal basis for many contacts, from their list (P4)."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from services.crm.application.legal_bases import MOST
from services.crm.application.paging import MAX_LIMIT
from services.crm.model.records import BulkOutcome, LegalBasis, LegalBasisKind
from services.crm.web.desk import ChangingPage, SignedInVisit
from services.crm.web.kinds import CONTACTS
from services.crm.web.lists import rows_of
from services.crm.web.words import gettext

router = APIRouter()
_LONGEST_SOURCE = 256
_NO_BASIS = gettext("Choose a legal basis first.")
_TOO_LONG = gettext("The source is too long.")
_NOBODY = gettext("Tick contacts in the list first.")
_NONE_MATCH = gettext("No contact is in the list.")
_TOO_MANY = gettext("At most 500 contacts are changed at once. Search for fewer.")
_IDS = TypeAdapter(list[UUID])

Ids = Annotated[list[str] | None, Form(max_length=10_000)]
Text = Annotated[str, Form(max_length=10_000)]
Scope = Annotated[Literal["ticked", "all"], Form()]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a change of many; or `fault`: why there was none."""

    changed: int = 0
    unchanged: int = 0
    not_found: int = 0
    fault: str = ""


class _Refused(ValueError):
    """Nothing is changed; why, as a text of the catalogue."""


@router.post("/contacts/legal-basis")
async def change(
    visit: ChangingPage,
    kind: Text = "",
    source: Text = "",
    scope: Scope = "ticked",
    ids: Ids = None,
    listed: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Give the ticked contacts, or all that match the search, this basis; the list says it at once.

    `listed`: the search whose answer is shown, whatever stands in its field meanwhile.
    """
    try:
        basis = _basis(kind, source)
        wanted = await _matching(visit, listed) if scope == "all" else _ticked(ids or [])
    except _Refused as refusal:
        return await _answer(visit, listed, Done(fault=str(refusal)), (), scope)
    results = await visit.desk.application.legal_bases.change_all(visit.visitor.as_signed_in(), wanted, basis)
    counts = Counter(one.outcome for one in results)
    done = Done(counts[BulkOutcome.CHANGED], counts[BulkOutcome.UNCHANGED], counts[BulkOutcome.NOT_FOUND])
    there = [one.id for one in results if one.outcome is not BulkOutcome.NOT_FOUND]
    return await _answer(visit, listed, done, there, scope, basis.kind)


def _basis(kind: str, source: str) -> LegalBasis:
    if kind not in set(LegalBasisKind):
        raise _Refused(_NO_BASIS)
    if len(source.strip()) > _LONGEST_SOURCE:
        raise _Refused(_TOO_LONG)
    return LegalBasis(kind=LegalBasisKind(kind), source=source.strip())


def _ticked(ids: list[str]) -> list[UUID]:
    try:
        wanted = list(dict.fromkeys(_IDS.validate_python(ids)))
    except ValidationError:
        raise _Refused(_NOBODY) from None
    return _bounded(wanted, _NOBODY)


async def _matching(visit: SignedInVisit, query: str) -> list[UUID]:
    """All contacts of the list, whether or not they are loaded."""
    book, found, after = visit.desk.application.records.of(CONTACTS.type), list[UUID](), None
    while len(found) <= MOST:
        page = await book.page(visit.visitor.account_id, query.strip(), after, MAX_LIMIT)
        found += [record.id for record in page.items]
        after = page.next
        if after is None:
            break
    return _bounded(found, _NONE_MATCH)


def _bounded(ids: list[UUID], if_none: str) -> list[UUID]:
    if not ids:
        raise _Refused(if_none)
    if len(ids) > MOST:
        raise _Refused(_TOO_MANY)
    return ids


async def _answer(
    visit: SignedInVisit,
    query: str,
    done: Done,
    there: Collection[UUID],
    scope: str,
    kind: LegalBasisKind = LegalBasisKind.NONE,
) -> Response:
    """`there`: contacts of the list that have the basis now. A change of all shows the list anew."""
    if visit.request.headers.get("hx-request") != "true":
        found = await rows_of(visit, CONTACTS, query, None)
        status = 422 if done.fault else 200
        return visit.page("records.html", status_code=status, deleted=None, fault=None, bulk=done, **found)
    rows = await rows_of(visit, CONTACTS, query, None) if there and scope == "all" else None
    ticked = () if rows else there
    return visit.page(
        "_bulk_done.html",
        status_code=422 if done.fault else 200,
        bulk=done,
        rows=rows,
        ticked=ticked,
        eligible=kind.eligible,
    )
