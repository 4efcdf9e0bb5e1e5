"""Settings › Email log and track, as HTML."""

import re
from pathlib import Path

import pytest

from services.crm.model.accounts import EmailSettings
from services.crm.model.audit import AuditEntry
from services.crm.model.dry_run import Change, ChangedMail, DryRun, OtherSettings
from services.crm.web import words as audit_words
from shared.auth.tokens import Role
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, Reason, RecordType
from tests.unit.crm_web.fakes import CSRF, NOW, Browser, FakeCrm, fake_crm, never_log_entry, user

PATHS = ("/settings/email", "/settings/audit")
SCRIPTED = {"HX-Request": "true", "X-CSRF-Token": CSRF}
LOGGED, NOT_LOGGED = LogOutcome.LOGGED, LogOutcome.NOT_LOGGED


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm(user(role=Role.SUPER_ADMIN))


async def shown(browser: Browser, path: str, status: int = 200) -> str:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


async def posted(browser: Browser, path: str, fields: dict[str, str | list[str]], **headers: str) -> str:
    async with browser() as client:
        answer = await client.post(path, data=fields, headers=SCRIPTED | headers)
    assert answer.status_code == 200
    return answer.text


def ticked(html: str) -> set[str]:
    return set(re.findall(r'name="(\w+)" value="on" checked', html))


@pytest.mark.requirement("A1")
async def test_others_have_no_page_and_no_way_to_it(browser: Browser, crm: FakeCrm) -> None:
    """403 for a rep and an admin; only a super admin sees it in the navigation."""
    assert 'href="/settings/email"' in await shown(browser, "/feed")
    for role in (Role.REP, Role.ADMIN):
        crm.sign_ins.who = user(role=role)
        assert 'href="/settings' not in await shown(browser, "/feed")
        for path in PATHS:
            await shown(browser, path, 403)
        async with browser() as client:
            for path in ("/settings/email", "/settings/never-log", "/settings/dry-run"):
                answer = await client.post(path, data={"added": "a.example"}, headers=SCRIPTED)
                assert answer.status_code == 403
    assert crm.email_settings.settings == EmailSettings()
    assert crm.never_log.entries == {}


@pytest.mark.requirement("A1", "A2", "A3", "A4", "A5", "P1")
async def test_each_switch_shows_what_is_and_is_saved_without_a_reload(
    browser: Browser, crm: FakeCrm
) -> None:
    """A box that is not ticked is off; the answer is the form as it is now."""
    before = await shown(browser, "/settings/email")
    assert ticked(before) == {
        "tracking",
        "logging",
        "log_attachments",
        "log_ticked",
        "track_ticked",
        "marketing_contacts",
    }
    assert "ask your own counsel" in before
    wanted = {"tracking": "on", "data_privacy": "on", "log_default": "on"}
    after = await posted(browser, "/settings/email", {**wanted})
    assert ticked(after) == set(wanted)
    assert "<html" not in after
    assert "Saved" in after
    on = dict.fromkeys(wanted, True)
    assert crm.email_settings.settings == EmailSettings(
        **dict.fromkeys(EmailSettings.model_fields, False) | on
    )


@pytest.mark.requirement("A1")
async def test_what_another_admin_changed_meanwhile_is_shown_and_said(browser: Browser, crm: FakeCrm) -> None:
    page = await shown(browser, "/settings/email")
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    crm.email_settings.settings = EmailSettings(tracking=False)
    html = await posted(browser, "/settings/email", {"tracking": "on", "seen": seen})
    assert crm.email_settings.settings == EmailSettings(tracking=False)
    assert "Somebody else has changed these settings" in html
    assert "tracking" not in ticked(html)


@pytest.mark.requirement("A1")
async def test_a_forged_form_changes_nothing(browser: Browser, crm: FakeCrm) -> None:
    """No token, another site's origin: 403."""
    async with browser() as client:
        for path in ("/settings/email", "/settings/never-log", "/settings/never-log/remove"):
            assert (await client.post(path, data={"added": "a.example"})).status_code == 403
            foreign = SCRIPTED | {"Origin": "https://evil.example"}
            assert (await client.post(path, data={}, headers=foreign)).status_code == 403
    assert crm.email_settings.settings == EmailSettings()
    assert crm.never_log.entries == {}


@pytest.mark.requirement("A6", "L8")
async def test_entries_are_added_a_line_each_and_taken_off_again(browser: Browser, crm: FakeCrm) -> None:
    """New ones are marked; a domain is read in its own script."""
    assert "Nobody is on the list" in await shown(browser, "/settings/email")
    html = await posted(browser, "/settings/never-log", {"added": " 日本.example \r\n\r\n*.example.com\n"})
    assert "日本.example" in html
    assert "xn--wgv71a.example" in html
    assert html.count('<li class="changed"') == 2
    first, second = crm.never_log.entries.values()
    html = await posted(browser, "/settings/never-log/remove", {"removed": [str(first.id)]})
    assert list(crm.never_log.entries.values()) == [second]
    assert "日本" not in html


@pytest.mark.requirement("A6", "L8")
async def test_a_line_that_is_no_entry_is_named_and_nothing_typed_is_lost(
    browser: Browser, crm: FakeCrm
) -> None:
    typed = "fine.example\n<b>nonsense</b>\n"
    html = await posted(browser, "/settings/never-log", {"added": typed})
    assert "“&lt;b&gt;nonsense&lt;/b&gt;” is neither an address nor a domain" in html
    assert "fine.example\n&lt;b&gt;nonsense" in html
    assert 'aria-invalid="true"' in html
    assert crm.never_log.entries == {}
    crm.never_log.most = 0
    assert "at most" in await posted(browser, "/settings/never-log", {"added": "fine.example"})


@pytest.mark.requirement("A1")
async def test_it_works_without_script(browser: Browser, crm: FakeCrm) -> None:
    """A form is answered by the way back to the page; a refusal by the form with its words."""
    async with browser() as client:
        fields = {"csrf_token": CSRF, "added": "a.example", "tracking": "on"}
        for path in ("/settings/email", "/settings/never-log"):
            answer = await client.post(path, data=fields)
            assert (answer.status_code, answer.headers["location"]) == (303, "/settings/email")
        wrong = await client.post("/settings/never-log", data={"csrf_token": CSRF, "added": "wrong"})
        assert (wrong.status_code, "neither an address" in wrong.text) == (422, True)
        assert (await client.get("/settings")).headers["location"] == "/settings/email"
    assert [entry.pattern for entry in crm.never_log.entries.values()] == ["a.example"]


@pytest.mark.requirement("L13")
async def test_a_dry_run_says_what_would_have_been_different_and_why(browser: Browser, crm: FakeCrm) -> None:
    """It is given what is typed and ticked, and changes nothing."""
    listed = never_log_entry("old.example")
    crm.never_log.entries = {listed.id: listed}
    why = (Reason(rule="never-log-list", entry_id=listed.id),)
    contact = Change(
        record_type=RecordType.CONTACT,
        record_id=new_id(),
        name="Aiko <Tanaka>",
        before=LOGGED,
        after=NOT_LOGGED,
        why_before=(Reason(rule="record-ticked"),),
        why_after=why,
    )
    mail = ChangedMail(
        message_id=new_id(),
        subject="Your offer",
        sent_at=NOW,
        user_id=crm.sign_ins.who.id,
        before=LOGGED,
        after=NOT_LOGGED,
        changes=(contact,),
    )
    crm.dry_runs.found = DryRun(
        examined=7, skipped=1, since=NOW, changed=1, logged_no_more=1, logged_now=0, mails=(mail,)
    )
    fields = {"added": "new.example", "removed": [str(listed.id)], "off": "true"}
    html = await posted(browser, "/settings/dry-run", fields)
    for text in (
        "7 mails since Nov 24, 2026",
        "Nothing was written",
        "1 older decision",
        "1 mail would have come out differently",
        "Your offer",
        "Aiko &lt;Tanaka&gt;",
        "would not be logged",
        "The recipient is on the never-log list.",
        "Mika Ito",
    ):
        assert text in html
    assert crm.dry_runs.tried == [OtherSettings(logging=False, added=("new.example",), removed=(listed.id,))]
    assert crm.never_log.entries == {listed.id: listed}
    assert "neither an address" in await posted(browser, "/settings/dry-run", {"added": "wrong"})
    assert len(crm.dry_runs.tried) == 1


@pytest.mark.requirement("A1", "A6")
async def test_the_audit_log_tells_who_changed_what(browser: Browser, crm: FakeCrm) -> None:
    """Newest first, by pages; a user who is gone is a former colleague."""
    assert "No setting was changed yet" in await shown(browser, "/settings/audit")
    entries = [
        AuditEntry(
            id=new_id(),
            at=NOW,
            user_id=crm.sign_ins.who.id,
            action="email_settings.changed",
            before={"tracking": True},
            after={"tracking": False},
        ),
        AuditEntry(
            id=new_id(),
            at=NOW,
            user_id=new_id(),
            action="never_log.removed",
            before={"entries": "a.example"},
            after={},
        ),
    ]
    by_token = {"token_id": new_id(), "token_name": "Importer <b>"}
    crm.audit.entries = [
        entries[0].model_copy(update=by_token),
        entries[0].model_copy(update=by_token | {"token_name": None}),
        entries[0].model_copy(update={"user_id": None, "action": "webhook.switched_off"}),
    ]
    html = await shown(browser, "/settings/audit")
    for text in ("with the API token “Importer &lt;b&gt;”", "with an API token", "by Kaifu itself"):
        assert html.count(text) == 1, text
    crm.audit.entries = entries * 30
    html = await shown(browser, "/settings/audit")
    for text in ("Email settings changed", "on → off", "Mika Ito", "a former colleague", "a.example"):
        assert text in html
    assert html.count('<li class="event"') == 50
    rest = await shown(browser, "/settings/audit?after=50")
    assert (rest.count('<li class="event"'), "<html" in rest) == (10, False)


@pytest.mark.requirement("B10")
async def test_it_is_there_in_japanese(browser: Browser, crm: FakeCrm) -> None:
    crm.sign_ins.who = user(role=Role.SUPER_ADMIN, locale="ja")
    html = await shown(browser, "/settings/email")
    for text in ("メールのログとトラック", "トラック", "ログ", "保存"):
        assert text in html


def test_every_action_that_is_noted_has_its_words() -> None:
    """Those that the application spells out, and those of a record."""
    source = Path(audit_words.__file__).parents[1] / "application"
    text = "\n".join(file.read_text() for file in source.glob("*.py"))
    spelled = set(
        re.findall(
            r'"((?:email_settings|never_log|user|mail|contacts|address|api_token|webhook|retention)\.[a-z_]+)"',
            text,
        )
    )
    assert len(spelled) > 6
    of_records = {f"{type_.value}.{what}" for type_ in RecordType for what in ("deleted", "restored")}
    assert spelled | of_records == set(audit_words.ACTIONS)
