"""A mail as HTML: its page, its frame, pins on timelines."""

import re

import pytest

from services.crm.model.attachments import NamedAttachment
from services.crm.model.mails import MailBody, ThreadMail
from services.crm.problems import MAIL_NOT_LOGGED, NEVER_LOGGED, NO_SUCH_RECORD
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.problems import CONFLICT, FORBIDDEN, INVALID, Problem
from tests.unit.crm_web.fakes import (
    CSRF,
    NOW,
    Browser,
    FakeCrm,
    contact,
    engagement,
    mail,
    timeline_row,
    user,
)

pytestmark = pytest.mark.requirement("R3")
LETTER = MailBody(html="<p>Dear Aiko</p><img>", text="Dear Aiko", held_back=2)
TOKEN = {"X-CSRF-Token": CSRF}


async def shown(browser: Browser, path: str, status: int = 200) -> str:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


@pytest.mark.requirement("L13")
async def test_the_page_shows_the_mail_where_it_stands_and_why(browser: Browser, crm: FakeCrm) -> None:
    files = (NamedAttachment(index=0, name="offer.pdf", size=1024, stored=True),)
    one = mail(attachments=files, subject="Offer <b>42</b>")
    one = crm.mails.add(one.model_copy(update={"engagements": (engagement(one.id),)}), LETTER)
    crm.mails.others = (ThreadMail(id=new_id(), subject="Before", user_id=new_id(), sent_at=NOW),)
    html = await shown(browser, f"/mail/{one.id}")
    for text in (
        "Offer &lt;b&gt;42&lt;/b&gt;",
        "Mika Ito",
        "aiko@example.test",
        "legal@example.test",
        f'href="/contacts/{one.records[0].record_id}"',
        f'href="/v1/messages/{one.id}/attachments/0" download',
        f'href="/mail/{crm.mails.others[0].id}"',
        "The record was ticked when the mail was sent.",
        "The recipient is on the never-log list.",
        "never-log-list · 00000000-0000-0000-0000-000000000007",
        "a record that is gone",
        "Rules 3",
        "Human, through a mail proxy",
        f'data-copy="/mail/{one.id}"',
    ):
        assert text in html
    assert html.index("<dt>To</dt>") < html.index("<dt>Cc</dt>")
    assert crm.mails.languages == ["en"]


async def test_the_body_stands_in_a_sandboxed_frame_without_remote_images(
    browser: Browser, crm: FakeCrm
) -> None:
    one = crm.mails.add(mail(), LETTER)
    html = await shown(browser, f"/mail/{one.id}")
    (frame,) = re.findall(r"<iframe[^>]*>", html)
    assert f'src="/mail/{one.id}/body"' in frame
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    assert "2 remote images are not loaded" in html
    assert "Dear Aiko" not in html
    asked = await shown(browser, f"/mail/{one.id}/frame?images=true")
    assert f'src="/mail/{one.id}/body?images=true"' in asked
    assert "Show remote images" not in asked
    assert "Show remote images" not in await shown(browser, f"/mail/{one.id}?images=true")


@pytest.mark.parametrize(("query", "sources"), [("", "'none'"), ("?images=true", "http: https:")])
async def test_the_frame_s_own_policy_lets_nothing_run(
    browser: Browser, crm: FakeCrm, query: str, sources: str
) -> None:
    one = crm.mails.add(mail(), LETTER)
    async with browser() as client:
        answer = await client.get(f"/mail/{one.id}/body{query}")
    policy = dict(part.partition(" ")[::2] for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": sources,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "<p>Dear Aiko</p>" in answer.text
    assert "<script" not in answer.text


async def test_a_mail_of_text_alone_is_shown_as_text(browser: Browser, crm: FakeCrm) -> None:
    body = MailBody(html="", text="1 < 2\n<script>", held_back=0)
    one = crm.mails.add(mail(), body)
    assert "1 &lt; 2\n&lt;script&gt;" in await shown(browser, f"/mail/{one.id}/body")


async def test_what_is_missing_is_said(browser: Browser, crm: FakeCrm) -> None:
    """No body, no decision, no record; and a mail that is not there."""
    one = crm.mails.add(mail(decision=None, records=(), logged=False, sent_at=None, subject=""))
    html = await shown(browser, f"/mail/{one.id}")
    for text in (
        "No body was kept",
        "not decided yet",
        "Nothing is associated",
        "Only you see",
        "not sent yet",
    ):
        assert text in html
    assert "(no subject)" in html
    await shown(browser, f"/mail/{one.id}/body", 404)
    assert "There is nothing here" in await shown(browser, f"/mail/{new_id()}", 404)


async def test_the_page_is_in_the_reader_s_language(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user(locale="ja")
    one = crm.mails.add(mail(), LETTER)
    html = await shown(browser, f"/mail/{one.id}")
    assert "外部画像を表示" in html
    assert "2 件" in html
    assert crm.mails.languages == ["ja"]


async def test_deleting_says_that_it_goes_from_every_record_and_leads_back(
    browser: Browser, crm: FakeCrm
) -> None:
    one = crm.mails.add(mail(records=(*mail().records, *mail().records)), LETTER)
    html = await shown(browser, f"/mail/{one.id}")
    assert 'hx-confirm="Delete this mail for everybody? It goes from all 2 records it stands on' in html
    async with browser() as client:
        assert (await client.post(f"/mail/{one.id}/delete")).status_code == 403
        assert one.id in crm.mails.mails
        answer = await client.post(f"/mail/{one.id}/delete", headers=TOKEN)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (
        204,
        f"/contacts/{one.records[0].record_id}",
    )
    assert crm.mails.mails == {}


async def test_who_may_not_delete_is_not_offered_it_and_refused(browser: Browser, crm: FakeCrm) -> None:
    one = crm.mails.add(mail(deletable=False))
    crm.mails.refusal = Problem(FORBIDDEN, "Only its sender.")
    assert "/delete" not in await shown(browser, f"/mail/{one.id}")
    async with browser() as client:
        assert (await client.post(f"/mail/{one.id}/delete", headers=TOKEN)).status_code == 403


async def test_a_pinned_mail_stands_on_top_and_only_there(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    ref = RecordRef(record_type=RecordType.CONTACT, record_id=person.id)
    rows = [timeline_row(ref, subject=f"Mail {number}") for number in range(60)]
    crm.timelines.rows = rows
    path, old = f"/contacts/{person.id}", rows[40]
    html = await shown(browser, path)
    assert f'href="/mail/{old.message_id}"' in html
    async with browser() as client:
        assert (await client.put(f"{path}/pins/{old.message_id}")).status_code == 403
        pinned = await client.put(f"{path}/pins/{old.message_id}?type=email", headers=TOKEN)
    subjects = re.findall(r"Mail \d+", pinned.text)
    assert (subjects[0], subjects.count("Mail 40"), len(subjects)) == ("Mail 40", 1, 50)
    assert f'hx-delete="{path}/pins/{old.message_id}?type=email"' in pinned.text
    assert "Mail 40" not in await shown(browser, f"{path}/timeline?after=30")
    assert "Mail 40" not in await shown(browser, f"{path}?type=open")
    async with browser() as client:
        unpinned = await client.delete(f"{path}/pins/{old.message_id}", headers=TOKEN)
    assert re.findall(r"Mail \d+", unpinned.text)[0] == "Mail 0"


async def test_an_eleventh_pin_is_refused_in_words(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records, crm.pins.full = [person], True
    async with browser() as client:
        answer = await client.put(f"/contacts/{person.id}/pins/{new_id()}", headers=TOKEN)
        assert (answer.status_code, "Unpin one first" in answer.text) == (200, True)
        crm.pins.full = False
        assert (await client.put(f"/contacts/{person.id}/pins/{new_id()}", headers=TOKEN)).status_code == 404


async def test_a_row_opens_its_mail_in_place(browser: Browser, crm: FakeCrm) -> None:
    person = contact()
    crm.records.contacts.records = [person]
    row = timeline_row(RecordRef(record_type=RecordType.CONTACT, record_id=person.id))
    crm.timelines.rows = [row]
    html = await shown(browser, f"/contacts/{person.id}")
    assert f'<details class="expand" hx-get="/mail/{row.message_id}/frame" hx-trigger="toggle once"' in html


async def test_associations_are_edited_in_place(browser: Browser, crm: FakeCrm) -> None:
    """What was ticked and unticked is sent on; the list, the reasons and the delete button come back."""
    one = crm.mails.add(mail(), LETTER)
    page = await shown(browser, f"/mail/{one.id}")
    assert f'hx-get="/mail/{one.id}/associations/edit"' in page
    record, new = one.records[0], new_id()
    async with browser() as client:
        form = await client.get(f"/mail/{one.id}/associations/edit", headers={"HX-Request": "true"})
        whole = await client.get(f"/mail/{one.id}/associations/edit")
        sent = {
            "was": f"contact:{record.record_id}\ndeal:nonsense",
            "association": [f"deal:{new}:A: b", "deal:x:y", "nonsense"],
        }
        saved = await client.post(
            f"/mail/{one.id}/associations", data=sent, headers=TOKEN | {"HX-Request": "true"}
        )
        plain = await client.post(f"/mail/{one.id}/associations", data=sent, headers=TOKEN)
    assert f'value="contact:{record.record_id}:{record.name}" checked' in form.text
    assert "<html" in whole.text
    assert 'name="was"' in whole.text
    assert (saved.status_code, plain.status_code, plain.headers["location"]) == (200, 303, f"/mail/{one.id}")
    added = {RecordRef(record_type=RecordType.DEAL, record_id=new)}
    removed = {RecordRef(record_type=RecordType.CONTACT, record_id=record.record_id)}
    assert crm.mail_associations.changes == [(added, removed)] * 2
    assert "Saved." in saved.text
    assert saved.text.count("hx-swap-oob") == 2


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem(INVALID, "x"), "at least one record"),
        (Problem(NO_SUCH_RECORD, "x"), "does not exist any more"),
        (Problem(MAIL_NOT_LOGGED, "x"), "not logged"),
        (Problem(CONFLICT, "x"), "too often"),
    ],
)
async def test_why_associations_can_t_be_saved_is_said_in_the_form(
    browser: Browser, crm: FakeCrm, problem: Problem, words: str
) -> None:
    one = crm.mails.add(mail(), LETTER)
    crm.mail_associations.refusal = problem
    sent = {"association": f"deal:{new_id()}:Renewal"}
    async with browser() as client:
        for headers in (TOKEN, TOKEN | {"HX-Request": "true"}):
            answer = await client.post(f"/mail/{one.id}/associations", data=sent, headers=headers)
            assert answer.status_code == problem.problem.status
            assert words in answer.text
            assert "Renewal" in answer.text


@pytest.mark.requirement("L8")
async def test_a_contact_that_is_never_logged_is_named(browser: Browser, crm: FakeCrm) -> None:
    one, listed = crm.mails.add(mail(), LETTER), new_id()
    crm.mail_associations.refusal = Problem(NEVER_LOGGED, "x", record_ids=[str(listed)])
    sent = {"association": [f"contact:{listed}:100% <i>", f"deal:{new_id()}:Renewal"]}
    async with browser() as client:
        answer = await client.post(f"/mail/{one.id}/associations", data=sent, headers=TOKEN)
    assert answer.status_code == 422
    assert "No mail is logged on 100% &lt;i&gt;:" in answer.text


async def test_a_mail_that_is_not_logged_offers_no_associations(browser: Browser, crm: FakeCrm) -> None:
    one = crm.mails.add(mail(decision=None, records=(), logged=False))
    assert "associations/edit" not in await shown(browser, f"/mail/{one.id}")
