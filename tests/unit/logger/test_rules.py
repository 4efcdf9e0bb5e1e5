"""What the logging rules decide, on whatever inputs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logger import rules
from shared.directory.contract import LogInputs, RecipientInput, TickedRecord
from shared.events.ids import derived_id
from shared.events.log_decisions import LogOutcome, Reason, RecordType
from shared.events.log_reasons import (
    CONTACT_ASKED_FOR_RULE,
    LOG_REASONS,
    NEVER_LOG_RULE,
    NO_MARKETING_STATUS_RULE,
    NON_MARKETING_RULE,
    log_reason,
)
from shared.log_rules import engine
from shared.log_rules.decision import Decision
from shared.log_rules.engine import decide
from tests.sends import sent

LOGGED, NOT_LOGGED = LogOutcome.LOGGED, LogOutcome.NOT_LOGGED
CONTACTS = [derived_id("test contact", number) for number in range(4)]
ENTRIES = [derived_id("test entry", number) for number in range(2)]
GIVEN_UP = {"contact-not-made"}  # rules of older rule sets, whose decisions are still shown
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def recipient(
    slot: int, contact: UUID | None, entry: UUID | None = None, create: bool = False
) -> RecipientInput:
    return RecipientInput(slot=slot, contact_id=contact, never_logged_by=entry, create_contact=create)


def ticked(
    record_id: UUID, record_type: RecordType = RecordType.CONTACT, exists: bool = True
) -> TickedRecord:
    return TickedRecord(record_type=record_type, record_id=record_id, exists=exists)


def inputs(
    recipients: Sequence[RecipientInput], records: Sequence[TickedRecord], **switches: bool
) -> LogInputs:
    gates = {"sender_is_ours": True, "log_asked": True, "account_logging": True} | switches
    return LogInputs(
        message_id=uuid4(),
        account_id=uuid4(),
        user_id=uuid4(),
        recipients=tuple(recipients),
        ticked=tuple(records),
        **gates,
    )


@st.composite
def any_inputs(draw: st.DrawFn) -> LogInputs:
    entries = st.none() | st.sampled_from(ENTRIES)
    people = draw(
        st.lists(st.tuples(st.none() | st.sampled_from(CONTACTS), entries, st.booleans()), max_size=5)
    )
    records = st.builds(ticked, st.sampled_from(CONTACTS), st.sampled_from(list(RecordType)), st.booleans())
    return inputs(
        [recipient(slot, *person) for slot, person in enumerate(people)],
        draw(st.lists(records, max_size=6)),
        sender_is_ours=draw(st.booleans()),
        log_asked=draw(st.booleans()),
        account_logging=draw(st.booleans()),
        account_marketing=draw(st.booleans()),
    )


@pytest.mark.requirement("L2")
def test_a_ticked_contact_is_logged_there_and_an_unticked_one_is_not() -> None:
    decision = decide(inputs([recipient(0, CONTACTS[0]), recipient(1, CONTACTS[1])], [ticked(CONTACTS[0])]))
    assert decision.outcome is LOGGED
    assert [(record.record_id, record.outcome) for record in decision.records] == [(CONTACTS[0], LOGGED)]
    assert [person.outcome for person in decision.recipients] == [LOGGED, NOT_LOGGED]
    assert decision.recipients[1].reasons == (Reason(rule="record-not-ticked"),)


@pytest.mark.requirement("L8")
def test_a_listed_recipient_is_left_out_with_its_entry_and_the_others_are_logged() -> None:
    decision = decide(
        inputs(
            [recipient(0, CONTACTS[0], ENTRIES[0]), recipient(1, CONTACTS[1])],
            [ticked(CONTACTS[0]), ticked(CONTACTS[1])],
        )
    )
    listed = Reason(rule="never-log-list", entry_id=ENTRIES[0])
    outcomes = {record.record_id: record for record in decision.records}
    assert outcomes[CONTACTS[0]].outcome is NOT_LOGGED
    assert outcomes[CONTACTS[0]].reasons == decision.recipients[0].reasons == (listed,)
    assert outcomes[CONTACTS[1]].outcome is decision.recipients[1].outcome is decision.outcome is LOGGED


@pytest.mark.requirement("L8")
def test_a_mail_to_listed_people_alone_stands_on_no_company_either() -> None:
    company = ticked(uuid4(), RecordType.COMPANY)
    alone = decide(inputs([recipient(0, None, ENTRIES[0])], [company]))
    assert alone.outcome is alone.records[0].outcome is NOT_LOGGED
    assert alone.reasons == (Reason(rule="all-recipients-never-logged", entry_id=ENTRIES[0]),)
    with_another = decide(inputs([recipient(0, None, ENTRIES[0]), recipient(1, None)], [company]))
    assert with_another.records[0].outcome is LOGGED


@pytest.mark.requirement("L7", "L13")
def test_every_gate_that_is_shut_is_named_in_order() -> None:
    shut = inputs([], [ticked(CONTACTS[0])], sender_is_ours=False, log_asked=False, account_logging=False)
    decision = decide(shut)
    assert decision.outcome is NOT_LOGGED
    assert [reason.rule for reason in decision.reasons] == [
        "sender-not-ours",
        "log-not-asked",
        "account-logging-off",
    ]
    assert decision.reasons[2].setting == engine.LOGGING_SETTING
    assert decision.records[0].reasons == decision.reasons


@pytest.mark.requirement("L2", "L13")
def test_a_record_that_is_gone_gets_nothing_and_says_so() -> None:
    decision = decide(inputs([recipient(0, CONTACTS[0])], [ticked(CONTACTS[0], exists=False)]))
    gone = (Reason(rule="record-gone"),)
    assert decision.reasons == decision.records[0].reasons == decision.recipients[0].reasons == gone


@pytest.mark.requirement("L5")
def test_an_address_that_is_no_contact_says_whether_one_was_asked_for() -> None:
    decision = decide(inputs([recipient(0, None), recipient(1, None, create=True)], []))
    assert [person.reasons[0].rule for person in decision.recipients] == ["no-contact", "contact-asked-for"]
    assert [person.outcome for person in decision.recipients] == [NOT_LOGGED, LOGGED]
    assert (decision.outcome, decision.reasons) == (LOGGED, decision.recipients[1].reasons[:1])


@pytest.mark.requirement("L6", "L13")
def test_a_recipient_who_becomes_a_contact_says_with_which_marketing_status() -> None:
    """By the account's switch; who is a contact already keeps what it has. It is no reason to log."""
    for uses, rule in ((True, NON_MARKETING_RULE), (False, NO_MARKETING_STATUS_RULE)):
        people = [recipient(0, None, create=True), recipient(1, CONTACTS[0], create=True), recipient(2, None)]
        decision = decide(inputs(people, [], account_marketing=uses))
        asked_for = Reason(rule=CONTACT_ASKED_FOR_RULE)
        assert decision.recipients[0].reasons == (
            asked_for,
            Reason(rule=rule, setting="email.marketing_contacts"),
        )
        assert decision.recipients[1].reasons == decision.reasons == (asked_for,)
        assert decision.recipients[2].reasons == (Reason(rule="no-contact"),)


@pytest.mark.requirement("L5")
def test_a_contact_that_was_asked_for_and_made_by_somebody_else_meanwhile_is_the_one() -> None:
    decision = decide(inputs([recipient(0, CONTACTS[0], create=True)], []))
    assert decision.recipients[0].outcome is decision.outcome is LOGGED
    assert decision.recipients[0].reasons == (Reason(rule="contact-asked-for"),)


@pytest.mark.requirement("L5", "L8")
@pytest.mark.parametrize("gate", ["sender_is_ours", "log_asked", "account_logging"])
def test_nobody_is_made_a_contact_by_a_mail_that_is_not_logged(gate: str) -> None:
    asked_for = recipient(0, None, create=True)
    assert decide(inputs([asked_for], [], **{gate: False})).recipients[0].outcome is NOT_LOGGED
    listed = decide(inputs([recipient(0, None, ENTRIES[0], create=True), recipient(1, CONTACTS[0])], []))
    assert listed.recipients[0].reasons == (Reason(rule="never-log-list", entry_id=ENTRIES[0]),)


@pytest.mark.requirement("L13")
def test_only_a_refusal_against_the_reps_wish_is_one() -> None:
    def verdict(given: LogInputs) -> bool:
        return rules.refused(given, decide(given))

    people = [recipient(0, CONTACTS[0], ENTRIES[0])]
    assert verdict(inputs(people, [ticked(CONTACTS[0])]))
    assert not verdict(inputs(people, [ticked(CONTACTS[0])], log_asked=False))
    assert not verdict(inputs([recipient(0, CONTACTS[0])], [ticked(CONTACTS[0])]))
    assert not verdict(inputs([recipient(0, CONTACTS[0])], []))  # nothing ticked: the rep's own choice


def test_old_mail_that_a_restored_topic_brings_back_raises_no_pop_up() -> None:
    long_ago, just_now = NOW - timedelta(days=3), NOW - timedelta(minutes=1)
    assert not rules.still_news(sent(long_ago, long_ago), NOW)
    assert rules.still_news(sent(just_now, long_ago), NOW)  # queued on an offline computer
    assert rules.still_news(sent(long_ago, just_now), NOW)  # scheduled days ago


@given(any_inputs())
@pytest.mark.requirement("L2")
def test_nothing_lands_on_a_record_that_was_not_ticked(given_inputs: LogInputs) -> None:
    asked = {(record.record_type, record.record_id) for record in given_inputs.ticked}
    decision = decide(given_inputs)
    assert {(record.record_type, record.record_id) for record in decision.records} == asked
    contacts = {record_id for kind, record_id in asked if kind is RecordType.CONTACT}
    wished = {person.slot for person in given_inputs.recipients if person.create_contact}
    for person in decision.recipients:
        assert person.outcome is NOT_LOGGED or person.contact_id in contacts or person.slot in wished


@given(any_inputs())
@pytest.mark.requirement("L8")
def test_a_never_logged_contact_is_not_logged_even_if_ticked(given_inputs: LogInputs) -> None:
    listed = {person.contact_id for person in given_inputs.recipients if person.never_logged_by}
    for record in decide(given_inputs).records:
        if record.record_type is RecordType.CONTACT and record.record_id in listed:
            assert record.outcome is NOT_LOGGED


@given(any_inputs())
@pytest.mark.requirement("L8")
def test_a_never_logged_recipient_never_appears_among_the_logged(given_inputs: LogInputs) -> None:
    listed = {person.slot for person in given_inputs.recipients if person.never_logged_by}
    for person in decide(given_inputs).recipients:
        if person.slot in listed:
            assert person.outcome is NOT_LOGGED
            assert NEVER_LOG_RULE in {reason.rule for reason in person.reasons}


@given(any_inputs(), st.integers(0, 4))
@pytest.mark.requirement("L8")
def test_one_more_entry_never_adds_an_association(given_inputs: LogInputs, slot: int) -> None:
    more = tuple(
        one.model_copy(update={"never_logged_by": ENTRIES[0]}) if one.slot == slot else one
        for one in given_inputs.recipients
    )
    before, after = decide(given_inputs), decide(given_inputs.model_copy(update={"recipients": more}))

    def standing(decision: Decision) -> set[object]:
        records = {one.record_id for one in decision.records if one.outcome is LOGGED}
        return records | {one.slot for one in decision.recipients if one.outcome is LOGGED}

    assert standing(after) <= standing(before)


@given(any_inputs(), st.randoms())
@pytest.mark.requirement("L13")
def test_the_order_of_recipients_and_ticks_changes_nothing(given_inputs: LogInputs, chance: object) -> None:
    people, records = list(given_inputs.recipients), list(given_inputs.ticked)
    chance.shuffle(people)  # type: ignore[attr-defined]
    chance.shuffle(records)  # type: ignore[attr-defined]
    shuffled = given_inputs.model_copy(update={"recipients": tuple(people), "ticked": tuple(records)})
    assert decide(shuffled) == decide(given_inputs)


@given(any_inputs())
@pytest.mark.requirement("L13")
def test_outcomes_agree_with_each_other(given_inputs: LogInputs) -> None:
    decision = decide(given_inputs)
    parts = (*decision.records, *decision.recipients)
    assert (decision.outcome is LOGGED) == any(part.outcome is LOGGED for part in parts)
    standing = {
        record.record_id
        for record in decision.records
        if record.record_type is RecordType.CONTACT and record.outcome is LOGGED
    }
    for person in decision.recipients:
        if person.outcome is LOGGED and person.contact_id in standing:
            assert person.reasons == (Reason(rule="record-ticked"),)
        elif person.outcome is LOGGED:
            assert person.reasons[0] == Reason(rule=CONTACT_ASKED_FOR_RULE)
            assert len(person.reasons) == (2 if person.contact_id is None else 1)
    assert len(decision.recipients) == len(given_inputs.recipients)


@given(any_inputs())
@pytest.mark.requirement("L13", "B10")
def test_every_reason_has_a_sentence_in_both_languages(given_inputs: LogInputs) -> None:
    decision = decide(given_inputs)
    parts = [decision.reasons, *(part.reasons for part in (*decision.records, *decision.recipients))]
    assert {reason.rule for reasons in parts for reason in reasons} <= set(LOG_REASONS)


@pytest.mark.requirement("B10")
def test_every_rule_of_the_source_has_its_sentences_and_no_sentence_is_orphaned() -> None:
    import inspect
    import re

    spelled = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', inspect.getsource(engine)))
    spelled |= {CONTACT_ASKED_FOR_RULE, NEVER_LOG_RULE, NON_MARKETING_RULE, NO_MARKETING_STATUS_RULE}
    assert spelled == set(LOG_REASONS) - GIVEN_UP
    for rule in LOG_REASONS:
        assert log_reason(rule, "en").isascii()
        assert not log_reason(rule, "ja").isascii()
        assert log_reason(rule, "ja").endswith("。")
    assert log_reason("of-a-newer-logger", "ja") == "of-a-newer-logger"
