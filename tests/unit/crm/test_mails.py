"""Who sees a mail and what of it."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.crm.model.mails import Mail
from services.crm.rules.files import MessageEvent, MessageFile, deleted
from services.crm.rules.mails import Reading, is_logged, mail_of, may_delete, refs_of, visible
from shared.auth.tokens import Role, SignedIn
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import LogOutcome, Reason, RecipientOutcome
from shared.events.log_reasons import LOG_REASONS, NEVER_LOG_RULE, Language
from tests.unit.crm.made import (
    ACCOUNT,
    ON_DEAL,
    ON_HANAKO,
    OTHER_REP,
    REP,
    all_of,
    at,
    cancelled,
    clicked,
    decided,
    judged,
    prepared_file,
    sent,
)

pytestmark = pytest.mark.requirement("R3")
NAMES = {ON_HANAKO: "山田 花子"}


def who(user: UUID = REP, role: Role = Role.REP) -> SignedIn:
    """A user of the account."""
    return SignedIn(user, ACCOUNT, role, new_id(), at(9999))


def read(
    file: MessageFile,
    reader: SignedIn | None = None,
    language: Language = "en",
    names: dict[RecordRef, str] = NAMES,
) -> Mail:
    """The mail as somebody reads it."""
    engagements = sorted(file.engagements.values(), key=lambda one: one.occurred_at, reverse=True)
    return mail_of(file, engagements, Reading(reader or who(), language, "Rep", names))


def seen_by(file: MessageFile) -> tuple[bool, bool]:
    """Whether its sender and whether a colleague sees it."""
    return visible(file.message, file.decision, REP), visible(file.message, file.decision, OTHER_REP)


@pytest.mark.parametrize(
    ("events", "sender", "colleague"),
    [
        ([], True, False),
        ([sent()], True, False),
        ([sent(), decided()], True, False),
        ([sent(), decided(ON_HANAKO)], True, True),
        ([sent(), decided(ON_HANAKO), cancelled(15)], True, False),
    ],
)
def test_a_logged_mail_is_everybody_s_and_another_its_sender_s(
    events: list[MessageEvent], sender: bool, colleague: bool
) -> None:
    file = all_of(events, prepared_file()) if events else prepared_file()
    assert seen_by(file) == (sender, colleague)
    assert seen_by(deleted(file, at(99))) == (False, False)
    assert is_logged(file.message, file.decision) is colleague


def test_what_was_never_prepared_here_is_nobody_s() -> None:
    """Neither subject nor recipients are known of it."""
    assert seen_by(all_of([sent(), decided(ON_HANAKO)])) == (False, False)


def test_its_sender_and_admins_delete_a_mail() -> None:
    message = prepared_file().message
    allowed = [
        may_delete(message, who(user, role))
        for user in (REP, OTHER_REP)
        for role in (Role.REP, Role.ADMIN, Role.SUPER_ADMIN)
    ]
    assert allowed == [True, True, True, False, True, True]


@pytest.mark.requirement("L13")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_decision_is_told_with_its_reasons_in_the_reader_s_language(language: Language) -> None:
    """In their order, with the entry and the setting; a record that is gone has no name."""
    entry = new_id()
    reasons = (
        Reason(rule=NEVER_LOG_RULE, entry_id=entry),
        Reason(rule="account-logging-off", setting="logging"),
    )
    outcomes = (
        RecipientOutcome(slot=1, outcome=LogOutcome.NOT_LOGGED, reasons=reasons),
        RecipientOutcome(slot=7, outcome=LogOutcome.NOT_LOGGED, reasons=reasons),
    )
    file = all_of([sent(), decided(ON_HANAKO, ON_DEAL, recipients=outcomes)], prepared_file())
    assert refs_of(file.message, file.decision) == {ON_HANAKO, ON_DEAL}
    mail = read(file, language=language)
    assert {(one.record_id, one.name) for one in mail.records} == {
        (ON_HANAKO.record_id, "山田 花子"),
        (ON_DEAL.record_id, None),
    }
    assert mail.decision is not None
    assert (mail.decision.outcome, mail.decision.ruleset_version) == (LogOutcome.LOGGED, "1")
    (listed,) = mail.decision.recipients
    assert (listed.address, listed.outcome) == ("liam@northwind.example", LogOutcome.NOT_LOGGED)
    assert [(one.rule, one.entry_id, one.setting) for one in listed.reasons] == [
        (NEVER_LOG_RULE, entry, None),
        ("account-logging-off", None, "logging"),
    ]
    assert listed.reasons[0].sentence == getattr(LOG_REASONS[NEVER_LOG_RULE], language)


@pytest.mark.requirement("L8")
def test_what_may_be_a_listed_recipient_s_is_not_shown() -> None:
    """Listed when it was prepared, or when it was decided."""
    events: list[MessageEvent] = [
        sent(),
        judged("a"),
        judged("b", candidates=(1,)),
        clicked(candidates=(0, 1)),
    ]
    listed = RecipientOutcome(slot=1, outcome=LogOutcome.NOT_LOGGED, reasons=(Reason(rule=NEVER_LOG_RULE),))
    file = all_of([*events, decided(ON_HANAKO, recipients=(listed,))], prepared_file())
    assert [one.candidates for one in read(file).engagements] == [(0,)]
    file = all_of([*events, decided(ON_HANAKO)], prepared_file())
    assert len(read(file).engagements) == 3
    assert file.message.draft is not None
    hanako, liam = file.message.draft.recipients
    draft = file.message.draft.model_copy(
        update={"recipients": (hanako, liam.model_copy(update={"never_logged_by": new_id()}))}
    )
    file = replace(file, message=file.message.model_copy(update={"draft": draft}))
    assert [one.candidates for one in read(file).engagements] == [(0,)]


@pytest.mark.requirement("P3")
def test_anonymous_engagements_name_nobody() -> None:
    """Whether the mail or the engagement says so."""
    for anonymous in ({"anonymous": True}, {}):
        events = [sent(), judged("a", anonymous=not anonymous), decided(ON_HANAKO)]
        mail = read(all_of(events, prepared_file(**anonymous)))
        assert [one.candidates for one in mail.engagements] == [()]


def test_a_mail_that_is_not_logged_names_no_record_and_no_attachment() -> None:
    """Its sender reads why."""
    mail = read(all_of([sent(), decided()], prepared_file()))
    assert (mail.logged, mail.records, mail.attachments) == (False, (), ())
    assert mail.decision is not None
    assert mail.decision.reasons[0].sentence == LOG_REASONS["nothing-ticked"].en
