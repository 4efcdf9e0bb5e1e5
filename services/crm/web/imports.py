"""Contacts from a CSV file: upload, a dry run in words, then the import; and the way back out."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.crm.model.imports import RowFault, RowOutcome
from services.crm.problems import NOT_READABLE
from services.crm.rules.contact_csv import MAX_BYTES
from services.crm.web.desk import ChangingPage, SignedInPage
from services.crm.web.words import gettext
from shared.http.limits import MIB
from shared.http.problems import TOO_LARGE, Problem

router = APIRouter()
MAX_UPLOAD_BYTES = 8 * MIB  # somewhat more than a file may have, so that it is refused in words
PAGE = 100
Count = Annotated[int, Query(ge=0, le=10**6)]
_SEE_OTHER = 303
_TOO_LARGE = gettext("The file is larger than 5 MB. Split it and import the parts one by one.")
_NOTHING = gettext("Choose a file first.")
FAULTS = {
    "encoding": gettext("The file is neither UTF-8 nor Shift_JIS. Save it as “CSV UTF-8” and try again."),
    "csv": gettext("The file is no CSV: a quotation mark is not closed, or a cell is far too long."),
    "columns": gettext("No column is named “email” or “メールアドレス”: the first line names the columns."),
    "empty": gettext("The file is empty."),
    "rows": gettext("The file has more than 20,000 rows. Split it and import the parts one by one."),
}
OUTCOMES = {
    RowOutcome.NEW: gettext("New"),
    RowOutcome.UPDATE: gettext("Would be updated"),
    RowOutcome.SAME: gettext("No change"),
    RowOutcome.WRONG: gettext("Wrong"),
}
ROW_FAULTS = {
    RowFault.NO_ADDRESS: gettext("no e-mail address"),
    RowFault.BAD_ADDRESS: gettext("the e-mail address is not valid"),
    RowFault.TWICE: gettext("an earlier row has the same address"),
    RowFault.TOO_LONG: gettext("a cell is longer than 256 characters"),
    RowFault.UNKNOWN_BASIS: gettext("the legal basis is not known"),
    RowFault.UNKNOWN_OWNER: gettext("no colleague has the owner's address"),
    RowFault.UNKNOWN_MARKETING: gettext("the marketing column takes yes or no"),
    RowFault.CHANGED_MEANWHILE: gettext("somebody changed the contact meanwhile; import the file again"),
}
COLUMN_NAMES = {
    "name": gettext("Name"),
    "address": gettext("E-mail"),
    "addresses": gettext("E-mail"),
    "job_title": gettext("Job title"),
    "phone": gettext("Phone"),
    "owner": gettext("Owner"),
    "owner_id": gettext("Owner"),
    "marketing": gettext("Marketing contact"),
    "legal_basis": gettext("Legal basis for processing"),
    "legal_basis_source": gettext("Source of the legal basis"),
}
_WORDS: dict[str, Any] = {"outcomes": OUTCOMES, "row_faults": ROW_FAULTS, "column_names": COLUMN_NAMES}


@router.get("/contacts/import")
async def form(visit: SignedInPage) -> Response:
    """Where a file is chosen."""
    return visit.page("import.html", fault=None)


@router.post("/contacts/import")
async def upload(visit: ChangingPage) -> Response:
    """Keep the file and show what it would do; or say why it can't be read."""
    file = (await visit.request.form()).get("file")
    content = await file.read(MAX_BYTES + 1) if isinstance(file, UploadFile) else b""
    if not content:
        return visit.page("import.html", status_code=422, fault=_NOTHING)
    try:
        import_id = await visit.desk.application.contact_files.upload(visit.visitor.as_signed_in(), content)
    except Problem as error:
        if error.problem is TOO_LARGE:
            return visit.page("import.html", status_code=413, fault=_TOO_LARGE)
        if error.problem is not NOT_READABLE:
            raise
        return visit.page("import.html", status_code=422, fault=FAULTS[error.members["reason"]])
    return RedirectResponse(f"/contacts/import/{import_id}", _SEE_OTHER)


@router.get("/contacts/import/{import_id}")
async def plan(visit: SignedInPage, import_id: UUID) -> Response:
    """The dry run: how many rows would do what, and the first of them."""
    files = visit.desk.application.contact_files
    found = await files.plan(visit.visitor.as_signed_in(), import_id, 0, PAGE)
    return visit.page("import_plan.html", plan=found, start=0, left=False, **_WORDS)


@router.get("/contacts/import/{import_id}/rows")
async def rows(visit: SignedInPage, import_id: UUID, start: Count = 0, left: bool = False) -> Response:
    """Further rows of the dry run; `left`: those that an import has not taken."""
    files = visit.desk.application.contact_files
    found = await files.plan(visit.visitor.as_signed_in(), import_id, start, PAGE, left=left)
    return visit.page("_import_rows.html", plan=found, start=start, left=left, **_WORDS)


@router.post("/contacts/import/{import_id}/apply")
async def apply(
    visit: ChangingPage,
    import_id: UUID,
    start: Count = 0,
    new: Count = 0,
    update: Count = 0,
    same: Count = 0,
    wrong: Count = 0,
) -> Response:
    """Import the next rows. The counts are of the rows before."""
    files = visit.desk.application.contact_files
    done = await files.apply(visit.visitor.as_signed_in(), import_id, start)
    before = {"new": new, "update": update, "same": same, "wrong": wrong}
    counts = {name: count + done.counts.get(RowOutcome(name), 0) for name, count in before.items()}
    by_script = visit.request.headers.get("hx-request") == "true"
    template = "_import_step.html" if by_script else "import_progress.html"
    return visit.page(template, done=done, counts=counts, import_id=import_id, **_WORDS)


@router.get("/contacts/export.csv")
async def export(visit: SignedInPage) -> Response:
    """All contacts."""
    parts = visit.desk.application.contact_files.exported(visit.visitor.account_id)
    headers = {
        "Content-Disposition": 'attachment; filename="contacts.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)
