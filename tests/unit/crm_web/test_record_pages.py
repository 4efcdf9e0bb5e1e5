"""Contacts and records as HTML."""

import pytest

from services.crm.model.accounts import EmailSettings
from services.crm.model.attachments import LeftOut, NamedAttachment
from services.crm.model.records import Association, Company, Deal, LegalBasis, LegalBasisKind
from services.crm.model.timeline import TimelineType
from shared.directory.contract import RecordRef
from shared.events.engagements import Evidence, Verdict
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from tests.unit.crm_web.fakes import NOW, Browser, FakeCrm, contact, timeline_row


async def shown(browser: Browser, path: str, status: int = 200) -> str:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


@pytest.mark.requirement("R1")
async def test_contacts_are_listed_searched_and_paged(browser: Browser, crm: FakeCrm) -> None:
    crm.records.contacts.records = [contact(f"Person {number}") for number in range(51)]
    html = await shown(browser, "/contacts")
    assert html.count('class="person contact"') == 50
    assert "/contacts/rows?q=&amp;after=50" in html
    found = await shown(browser, "/contacts/rows?q=Person+7")
    assert found.count('class="person contact"') == 1
    assert "No contact matches “&lt;b&gt;”" in await shown(browser, "/contacts?q=%3Cb%3E")


@pytest.mark.requirement("R1", "P4")
async def test_a_contact_shows_properties_owner_and_associations(browser: Browser, crm: FakeCrm) -> None:
    company_id = new_id()
    basis = LegalBasis(kind=LegalBasisKind.LEGITIMATE_INTEREST_CUSTOMER, since=NOW)
    person = contact(job_title="Buyer", legal_basis=basis, owner_id=crm.sign_ins.who.id)
    crm.records.contacts.records = [person]
    crm.records.contacts.belonging = (
        Association(record_type=RecordType.COMPANY, record_id=company_id, name="Acme & Sons", primary=True),
    )
    html = await shown(browser, f"/contacts/{person.id}")
    for text in (
        "Aiko Tanaka",
        "Buyer",
        "Legitimate interest – existing customer",
        "Nov 24, 2026",
        "Mika Ito",
        f'href="/companies/{company_id}"',
        "Acme &amp; Sons",
        "primary",
        "aiko@example.test",
    ):
        assert text in html
    assert "Nothing has happened here yet" in html


@pytest.mark.requirement("P1", "P2")
@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"data_privacy": True}, LegalBasisKind.NONE, "Opens are not tracked: data privacy is on"),
        ({"data_privacy": True}, LegalBasisKind.NOT_APPLICABLE, "Opens are tracked"),
        ({"data_privacy": True, "tracking": False}, LegalBasisKind.NONE, "tracking is switched off"),
        (
            {"data_privacy": True, "tracking": False},
            LegalBasisKind.NOT_APPLICABLE,
            "tracking is switched off",
        ),
        ({"data_privacy": False}, LegalBasisKind.NONE, None),
        ({"data_privacy": False}, LegalBasisKind.NOT_APPLICABLE, None),
    ],
)
async def test_a_contact_says_whether_its_opens_are_tracked(
    browser: Browser, crm: FakeCrm, settings: dict[str, bool], kind: LegalBasisKind, words: str | None
) -> None:
    """And how to change that, where a basis would. Nothing is said while the account asks for none."""
    crm.accounts.settings = EmailSettings(**settings)
    person = contact(legal_basis=LegalBasis(kind=kind))
    crm.records.contacts.records = [person]
    for path in ("", "/card"):
        html = await shown(browser, f"/contacts/{person.id}{path}")
        assert ('class="privacy' in html) is (words is not None)
        assert words is None or words in html
        changed_by = f'href="/contacts/{person.id}/edit?field=legal_basis"'
        assert (changed_by in html) is (words is not None and "data privacy" in words)
    form = await shown(browser, f"/contacts/{person.id}/edit?field=legal_basis")
    assert '<select id="legal_basis" name="legal_basis" autofocus' in form
    assert form.count("autofocus") == 1


@pytest.mark.requirement("L6")
@pytest.mark.parametrize(
    ("marketing", "words"), [(None, ""), (False, "Non-marketing contact"), (True, "Marketing contact")]
)
async def test_a_marketing_status_is_shown_where_there_is_one(
    browser: Browser, crm: FakeCrm, marketing: bool | None, words: str
) -> None:
    someone = contact(marketing=marketing)
    crm.records.contacts.records = [someone]
    html = await shown(browser, f"/contacts/{someone.id}")
    assert ("Marketing status" in html, words in html) == (words != "", True)


@pytest.mark.requirement("P2")
async def test_other_records_say_nothing_of_a_basis(browser: Browser, crm: FakeCrm) -> None:
    crm.accounts.settings = EmailSettings(data_privacy=True)
    deal = Deal(id=new_id(), name="Renewal", created_at=NOW, updated_at=NOW)
    crm.records.deals.records = [deal]
    assert "Opens are" not in await shown(browser, f"/deals/{deal.id}")


@pytest.mark.requirement("R2")
async def test_a_mail_that_is_not_logged_shows_its_open_without_its_subject(
    browser: Browser, crm: FakeCrm
) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    ref = RecordRef(record_type=RecordType.CONTACT, record_id=person.id)
    evidence = (Evidence(rule="default.open"),)
    crm.timelines.rows = [
        timeline_row(
            ref, type=TimelineType.OPEN, subject=None, recipients=(), verdict=Verdict.HUMAN, evidence=evidence
        ),
        timeline_row(ref, subject="Logged one", user_id=crm.sign_ins.who.id),
    ]
    html = await shown(browser, f"/contacts/{person.id}")
    assert "a tracked mail that is not logged here" in html
    assert "Logged one" in html
    assert "preview pane" in html


@pytest.mark.requirement("L10", "A2")
async def test_attachments_are_named_and_what_is_kept_is_linked(browser: Browser, crm: FakeCrm) -> None:
    """The others say why they are not; a name that looks like HTML is a name."""
    person = contact()
    crm.records.contacts.records = [person]
    ref = RecordRef(record_type=RecordType.CONTACT, record_id=person.id)
    files = (
        NamedAttachment(index=0, name="<b>offer</b>.pdf", size=1_468_006, stored=True),
        NamedAttachment(index=1, name="film.mov", size=80_000_000, stored=False, reason=LeftOut.TOO_LARGE),
    )
    row = timeline_row(ref, attachments=files)
    crm.timelines.rows = [row]
    html = await shown(browser, f"/contacts/{person.id}")
    assert f'href="/v1/messages/{row.message_id}/attachments/0" download' in html
    assert "attachments/1" not in html
    assert "&lt;b&gt;offer&lt;/b&gt;.pdf" in html
    assert "1.4 MB" in html
    assert "not kept: over 50 MB" in html


@pytest.mark.requirement("R2")
async def test_the_timeline_is_filtered_by_type_and_goes_on_by_cursor(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    ref = RecordRef(record_type=RecordType.CONTACT, record_id=person.id)
    crm.timelines.rows = [timeline_row(ref, subject=f"Mail {number}") for number in range(60)]
    path = f"/contacts/{person.id}"
    html = await shown(browser, f"{path}?type=email")
    assert html.count('<li class="event email"') == 50
    assert f"{path}/timeline?after=50&amp;type=email" in html
    assert 'aria-current="true">Emails' in html
    rest = await shown(browser, f"{path}/timeline?after=50&type=email")
    assert rest.count("<li") == 10
    assert "Nothing of this kind yet" in await shown(browser, f"{path}/timeline?type=open")


@pytest.mark.requirement("R1")
async def test_every_kind_of_record_has_the_same_page(browser: Browser, crm: FakeCrm) -> None:
    company = Company(id=new_id(), name="Acme", domain="acme.test", created_at=NOW, updated_at=NOW)
    deal = Deal(id=new_id(), name="Big one", amount=150_000, currency="JPY", created_at=NOW, updated_at=NOW)
    crm.records.companies.records, crm.records.deals.records = [company], [deal]
    assert "acme.test" in await shown(browser, f"/companies/{company.id}")
    assert "150,000 JPY" in await shown(browser, f"/deals/{deal.id}")


@pytest.mark.parametrize(
    "path",
    [
        "/contacts/018f0000-0000-7000-8000-000000000000",
        "/contacts/no-id",
        "/nothing",
        "/static/abc/kaifu.css",
        "/static/abc/..%2f..%2fsettings.py",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    assert "There is nothing here" in await shown(browser, path, 404)


async def test_a_cursor_that_is_not_ours_is_refused(browser: Browser) -> None:
    assert "The request can't be read" in await shown(browser, "/contacts/rows?after=x", 422)
