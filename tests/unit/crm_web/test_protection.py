"""Headers, static files, failures."""

import re

import pytest

from services.crm.model.failures import DatabaseAway
from services.crm.model.mails import MailBody
from services.crm.web.assets import Assets
from tests.unit.crm_web.fakes import Browser, FakeCrm, contact, feed_row, mail

PAGES = [
    "/sign-in",
    "/feed",
    "/feed/rows",
    "/contacts",
    "/deals",
    "/tickets/new",
    "/contacts/import",
    "/nothing",
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_every_page_allows_no_foreign_and_no_inline_code(
    browser: Browser, path: str, signed_in: bool
) -> None:
    async with browser(signed_in=signed_in) as client:
        answer = await client.get(path)
    if answer.is_redirect:
        return
    headers = answer.headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' wss://push.example"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_pages_have_no_inline_script_style_or_handler(browser: Browser, crm: FakeCrm) -> None:
    """The policy would stop them silently."""
    person = contact()
    crm.feed.rows, crm.records.contacts.records = [feed_row()], [person]
    one = crm.mails.add(mail(), MailBody(html="<p style='color:red'>x</p>", text="", held_back=1))
    async with browser() as client:
        own, read = f"/contacts/{person.id}", f"/mail/{one.id}"
        forms = (f"{own}/edit", "/deals/new", "/contacts/import")
        for path in ("/feed", "/contacts", own, read, *forms, "/nothing"):
            html = (await client.get(path)).text
            assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
            assert re.findall(r"<style|\sstyle=|\son\w+=|hx-on|javascript:", html) == []
            assert '"allowEval":false' in html
            assert '"includeIndicatorStyles":false' in html


async def test_static_files_are_kept_for_ever_under_the_hash_of_their_content(browser: Browser) -> None:
    async with browser(signed_in=False) as client:
        html = (await client.get("/sign-in")).text
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
        assert {address.rsplit("/", 1)[1] for address in addresses} >= {"kaifu.css", "htmx.min.js"}
        for address in addresses:
            answer = await client.get(address)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-type"].split(";")[0] in {
                "text/css",
                "text/javascript",
                "image/svg+xml",
            }


def test_another_content_is_another_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("static")
    urls = set()
    for content in ("a", "b"):
        (folder / "x.css").write_text(content)
        urls.add(Assets(folder).url("x.css"))
    assert len(urls) == 2


async def test_a_database_that_is_away_is_said_without_losing_the_page(
    browser: Browser, crm: FakeCrm
) -> None:
    crm.feed.failure = DatabaseAway("away")
    async with browser() as client:
        answer = await client.get("/feed")
    assert answer.status_code == 503
    assert "Nothing is lost" in answer.text


async def test_a_failure_of_ours_tells_nothing_of_its_cause(browser: Browser, crm: FakeCrm) -> None:
    crm.feed.failure = RuntimeError("secret cause")
    async with browser() as client:
        answer = await client.get("/feed")
    assert answer.status_code == 500
    assert "secret cause" not in answer.text
    assert "Something went wrong on our side" in answer.text


async def test_a_program_gets_a_problem_for_an_unknown_address(browser: Browser) -> None:
    async with browser(signed_in=False) as client:
        answer = await client.get("/v1/nothing", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
