"""Past decisions on other settings."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.model.decisions import Decision
from services.crm.model.messages import Message
from services.crm.model.never_log import NeverLogEntry
from services.crm.rules.dry_run import changed, refs
from services.crm.rules.never_log import NeverLogList, canonical
from shared.directory.contract import LogInputs, RecipientInput, TickedRecord
from shared.events.ids import derived_id
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType
from shared.log_rules.engine import RULESET_VERSION, decide
from tests.unit.crm.made import (
    ACCOUNT,
    HANAKO,
    LIAM,
    MAIL,
    ON_DEAL,
    ON_HANAKO,
    REP,
    T0,
    a_message,
    at,
)

LOGGED, NOT_LOGGED = LogOutcome.LOGGED, LogOutcome.NOT_LOGGED
NAMES = {ON_HANAKO: "山田 花子", ON_DEAL: "Renewal"}
ENTRIES = ("sakura.example", "northwind.example", "liam@northwind.example", "nobody.test")


def listed(*typed: str) -> NeverLogList:
    return NeverLogList(
        NeverLogEntry(id=derived_id("test", one), pattern=canonical(one), added_at=T0, added_by=REP)
        for one in typed
    )


def inputs(never_log: NeverLogList, message: Message, **switches: bool) -> LogInputs:
    assert message.draft is not None
    gates: dict[str, Any] = {"sender_is_ours": True, "log_asked": True, "account_logging": True} | switches
    return LogInputs(
        message_id=MAIL,
        account_id=ACCOUNT,
        user_id=REP,
        recipients=tuple(
            RecipientInput(
                slot=to.slot, contact_id=to.contact_id, never_logged_by=never_log.covering(to.address)
            )
            for to in message.draft.recipients
        ),
        ticked=tuple(
            TickedRecord(record_type=ref.record_type, record_id=ref.record_id, exists=True)
            for ref in message.draft.records
        ),
        **gates,
    )


def past(never_log: NeverLogList, message: Message, **switches: bool) -> Decision:
    """As the logger decided it then."""
    read = inputs(never_log, message, **switches)
    decision = decide(read)
    event = LogDecided(
        event_id=derived_id("test", "decided"),
        occurred_at=at(11),
        account_id=ACCOUNT,
        message_id=MAIL,
        user_id=REP,
        outcome=decision.outcome,
        reasons=decision.reasons,
        records=decision.records,
        recipients=decision.recipients,
        ruleset_version=RULESET_VERSION,
    )
    return Decision(message_id=MAIL, decided=event, inputs=read)


@pytest.mark.requirement("L13")
def test_an_entry_takes_its_recipient_off_and_says_why() -> None:
    """The other records stay, and the mail is still logged."""
    message = a_message()
    mail = changed(message, past(listed(), message), listed("sakura.example"), NAMES, logging=True)
    assert mail is not None
    assert (mail.subject, mail.before, mail.after) == ("Offer", LOGGED, LOGGED)
    assert [(one.record_type, one.name, one.before, one.after) for one in mail.changes] == [
        (RecordType.CONTACT, "山田 花子", LOGGED, NOT_LOGGED),
        (None, "hanako@sakura.example", LOGGED, NOT_LOGGED),
    ]
    assert {reason.rule for one in mail.changes for reason in one.why_after} == {"never-log-list"}
    assert {reason.rule for one in mail.changes for reason in one.why_before} == {"record-ticked"}


@pytest.mark.requirement("L13")
def test_an_entry_that_is_taken_off_and_a_switch_bring_mail_back_or_away() -> None:
    message = a_message()
    was_listed = past(listed("sakura.example", "northwind.example"), message)
    back = changed(message, was_listed, listed(), NAMES, logging=True)
    assert back is not None
    assert (back.before, back.after) == (NOT_LOGGED, LOGGED)
    away = changed(message, past(listed(), message), listed(), NAMES, logging=False)
    assert away is not None
    assert (away.before, away.after) == (LOGGED, NOT_LOGGED)
    assert {reason.rule for one in away.changes for reason in one.why_after} == {"account-logging-off"}


@given(st.sets(st.sampled_from(ENTRIES)), st.booleans())
@pytest.mark.requirement("L13")
def test_the_same_settings_change_nothing(entries: set[str], logging: bool) -> None:
    message = a_message()
    decision = past(listed(*entries), message, account_logging=logging)
    assert changed(message, decision, listed(*entries), NAMES, logging=logging) is None


@given(st.sets(st.sampled_from(ENTRIES)), st.sets(st.sampled_from(ENTRIES)))
@pytest.mark.requirement("L8", "L13")
def test_more_entries_never_bring_an_association(before: set[str], more: set[str]) -> None:
    message = a_message()
    mail = changed(message, past(listed(*before), message), listed(*before, *more), NAMES, logging=True)
    if mail is not None:
        assert {one.after for one in mail.changes} <= {NOT_LOGGED}


def test_the_records_whose_names_are_shown() -> None:
    assert refs(past(listed(), a_message())) == {ON_HANAKO, ON_DEAL}
    assert {to.contact_id for to in a_message().draft.recipients} == {HANAKO, LIAM}  # type: ignore[union-attr]
