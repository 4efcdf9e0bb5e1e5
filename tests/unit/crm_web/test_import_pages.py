"""Importing and exporting contacts on pages (R1)."""

import re

import pytest

from services.crm.model.imports import PlannedRow, RowFault, RowOutcome
from services.crm.problems import NOT_READABLE
from services.crm.web.imports import COLUMN_NAMES, FAULTS, OUTCOMES, ROW_FAULTS
from shared.http.problems import TOO_LARGE, Problem
from tests.unit.crm_web.fakes import CSRF, Browser, FakeCrm

pytestmark = pytest.mark.requirement("R1")
ROWS = [
    PlannedRow(line=2, name="<b>", address="a@x.example", outcome=RowOutcome.NEW),
    PlannedRow(
        line=3, name="B", address="b@x.example", outcome=RowOutcome.UPDATE, changes=("phone", "owner_id")
    ),
    PlannedRow(line=4, name="C", address="", outcome=RowOutcome.WRONG, fault=RowFault.NO_ADDRESS),
]
TOKEN = {"X-CSRF-Token": CSRF}
FILE = {"file": ("people.csv", b"email\na@x.example", "text/csv")}


async def test_a_file_is_shown_before_it_is_imported(browser: Browser, crm: FakeCrm) -> None:
    crm.contact_files.rows = ROWS
    async with browser() as client:
        assert 'href="/contacts/import"' in (await client.get("/contacts")).text
        assert 'type="file"' in (await client.get("/contacts/import")).text
        answer = await client.post("/contacts/import", files=FILE, data={"csrf_token": CSRF})
        assert answer.status_code == 303
        page = (await client.get(answer.headers["location"])).text
    assert crm.contact_files.uploads == [b"email\na@x.example"]
    for text in ("&lt;b&gt;", "Would be updated", "Phone, Owner", "no e-mail address", "Twitter &lt;b&gt;"):
        assert text in page


async def test_an_import_goes_on_part_by_part_and_counts(browser: Browser, crm: FakeCrm) -> None:
    crm.contact_files.rows = ROWS
    async with browser() as client:
        await client.post("/contacts/import", files=FILE, headers=TOKEN)
        path = "/contacts/import/00000000-0000-0000-0000-000000000001/apply"
        script = {**TOKEN, "HX-Request": "true"}
        first = (await client.post(path, headers=script)).text
        further = re.search(r'hx-post="([^"]+)" hx-trigger="load"', first)
        assert further is not None
        last = (await client.post(further[1].replace("&amp;", "&"), headers=script)).text
        assert "1 contact is new, 1 was updated, 1 row was wrong" in last
        assert ("hx-post" in first, "hx-post" in last) == (True, False)
        assert ("/rows?left=true" in first, "/rows?left=true" in last) == (False, True)
        without_script = (await client.post(path, headers=TOKEN)).text
        assert "<!doctype html>" in without_script
        assert "Go on" in without_script


async def test_what_is_left_goes_on_without_what_was_taken(browser: Browser, crm: FakeCrm) -> None:
    taken, wrong = ROWS[0].model_copy(update={"outcome": RowOutcome.SAME}), ROWS[2]
    crm.contact_files.rows = [taken] + [wrong] * 101
    async with browser() as client:
        await client.post("/contacts/import", files=FILE, headers=TOKEN)
        path = "/contacts/import/00000000-0000-0000-0000-000000000001/rows?left=true"
        page = (await client.get(path)).text
        assert (page.count("no e-mail address"), "a@x.example" in page) == (100, False)
        further = re.search(r'hx-get="([^"]+)"', page)
        assert further is not None
        rest = (await client.get(further[1].replace("&amp;", "&"))).text
    assert (rest.count("no e-mail address"), "hx-get" in rest) == (1, False)


@pytest.mark.parametrize("reason", FAULTS)
async def test_a_file_that_can_t_be_read_says_why(browser: Browser, crm: FakeCrm, reason: str) -> None:
    crm.contact_files.refusal = Problem(NOT_READABLE, "No.", reason=reason)
    async with browser(language="ja") as client:
        answer = await client.post("/contacts/import", files=FILE, headers=TOKEN)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_no_file_and_too_large_a_file_are_said(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        nothing = await client.post("/contacts/import", headers=TOKEN)
        assert (nothing.status_code, "Choose a file first." in nothing.text) == (422, True)
        crm.contact_files.refusal = Problem(TOO_LARGE, "No.")
        large = await client.post("/contacts/import", files=FILE, headers=TOKEN)
        assert (large.status_code, "larger than 5 MB" in large.text) == (413, True)


async def test_somebody_else_s_upload_is_not_there(browser: Browser) -> None:
    async with browser() as client:
        answer = await client.get("/contacts/import/00000000-0000-0000-0000-000000000009")
    assert answer.status_code == 404


async def test_an_import_needs_the_token(browser: Browser, crm: FakeCrm) -> None:
    async with browser() as client:
        assert (await client.post("/contacts/import", files=FILE)).status_code == 403
        path = "/contacts/import/00000000-0000-0000-0000-000000000001/apply"
        assert (await client.post(path)).status_code == 403
    assert crm.contact_files.uploads == []


async def test_the_export_is_a_file(browser: Browser) -> None:
    async with browser() as client:
        answer = await client.get("/contacts/export.csv")
    assert answer.text == "name,email\r\nAiko,aiko@example.test\r\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_every_outcome_fault_and_column_has_words() -> None:
    assert set(OUTCOMES) == set(RowOutcome)
    assert set(ROW_FAULTS) == set(RowFault)
    assert {"name", "job_title", "phone", "owner_id", "marketing", "legal_basis"} <= set(COLUMN_NAMES)


async def test_a_file_without_rows_says_so_and_offers_no_import(browser: Browser, crm: FakeCrm) -> None:
    """The names of columns alone are a table, of nothing."""
    async with browser() as client:
        answer = await client.post("/contacts/import", files=FILE, headers=TOKEN)
        html = (await client.get(answer.headers["location"])).text
    assert "The file has no rows" in html
    assert "/apply" not in html
