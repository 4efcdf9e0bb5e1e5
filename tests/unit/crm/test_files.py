"""One end, whatever the order and however often events come."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crm.model.attachments import Attachment, LeftOut
from services.crm.model.messages import FeedState, MessageState
from services.crm.rules.feed import feed_row
from services.crm.rules.files import (
    MessageEvent,
    MessageFile,
    deleted,
    difference,
    folded,
    prepared,
    unknown,
)
from services.crm.rules.uploads import Fate, attached
from shared.events.engagements import EngagementKind, Evidence, Verdict
from shared.events.ids import derived_id
from shared.events.log_decisions import LogOutcome, Reason, RecipientOutcome
from shared.events.log_reasons import CONTACT_ASKED_FOR_RULE
from shared.events.notifications import FeedChanged
from tests.unit.crm.made import (
    ACCOUNT,
    ON_DEAL,
    ON_HANAKO,
    REP,
    a_draft,
    all_of,
    at,
    cancelled,
    clicked,
    decided,
    judged,
    prepared_file,
    rows_of,
    scheduled,
    sent,
)

LIFE: list[MessageEvent] = [
    scheduled(),
    cancelled(),
    sent(),
    judged("one", 60),
    judged("one", 60, revision=1, verdict=Verdict.MACHINE),
    judged("two", 70.1234567),
    judged("three", 75, verdict=Verdict.PRIVACY_PROXY),
    clicked(),
    judged("click", 90, inferred=True, verdict=Verdict.HUMAN),
    decided(ON_HANAKO, ON_DEAL),
    decided(seconds=500),
]
deliveries = st.permutations(LIFE).flatmap(
    lambda order: st.lists(st.sampled_from(LIFE), max_size=8).map(lambda again: [*order, *again])
)


def _end(file: MessageFile) -> tuple[object, ...]:
    return file.message, file.engagements, file.decision, rows_of(file)


@pytest.mark.requirement("T9")
@given(deliveries)
@settings(max_examples=60, deadline=None)
def test_any_delivery_ends_alike(delivery: list[MessageEvent]) -> None:
    """Duplicates and any order of all topics end in one state, rows included."""
    assert _end(all_of(delivery, prepared_file())) == _end(all_of(LIFE, prepared_file()))


@pytest.mark.requirement("T9")
@given(deliveries)
@settings(max_examples=30, deadline=None)
def test_events_before_the_mail_was_prepared_end_alike(delivery: list[MessageEvent]) -> None:
    """An orphan that gets its draft is as if it had been prepared first."""
    assert _end(prepared(all_of(delivery), a_draft())) == _end(all_of(LIFE, prepared_file()))


@given(deliveries, st.lists(st.integers(1, 5), min_size=1))
@settings(max_examples=40, deadline=None)
def test_batches_write_what_one_pass_writes(delivery: list[MessageEvent], sizes: list[int]) -> None:
    """The differences, applied batch by batch, give the rows of the end: none too many, none missing."""
    file, rows = prepared_file(), rows_of(prepared_file())
    left, cuts = list(delivery), itertools.cycle(sizes)
    while left:
        size = next(cuts)
        batch, left = left[:size], left[size:]
        after = all_of(batch, file)
        changes = difference(ACCOUNT, file, after, batch)
        rows = {id_: row for id_, row in rows.items() if id_ not in changes.rows_gone}
        rows |= {row.id: row for row in changes.rows}
        file = after
    assert rows == rows_of(all_of(LIFE, prepared_file()))


def test_the_life_as_the_feed_shows_it() -> None:
    """One corrected away, one open, one possible open, one click."""
    row = feed_row(all_of(LIFE, prepared_file()).message)
    assert row is not None
    assert (row.state, row.opens, row.clicks, row.possible_open) == (FeedState.OPENED, 1, 1, False)
    assert [link.clicks for link in row.links] == [0, 1]
    assert row.last_verdict is Verdict.HUMAN


@pytest.mark.requirement("B1")
def test_a_correction_takes_the_open_back() -> None:
    """A higher revision wins, even if it came first; the lower one changes nothing any more."""
    human, machine = judged("x"), judged("x", revision=1, verdict=Verdict.MACHINE)
    orders: list[list[MessageEvent]] = [[sent(), human, machine], [sent(), machine, human]]
    for order in orders:
        file = all_of(order, prepared_file())
        row = feed_row(file.message)
        assert row is not None
        assert (row.state, row.opens, row.last_verdict) == (FeedState.SENT, 0, Verdict.MACHINE)
        assert rows_of(file) == {}


def test_correction_deletes_the_timeline_row() -> None:
    """The row that the first verdict wrote is named as gone."""
    before = all_of([sent(), judged("x")], prepared_file())
    after = folded(before, judged("x", revision=1, verdict=Verdict.MACHINE))
    changes = difference(ACCOUNT, before, after, [judged("x", revision=1, verdict=Verdict.MACHINE)])
    assert list(rows_of(before)) == list(changes.rows_gone)


@pytest.mark.parametrize("order", list(itertools.permutations([scheduled(), cancelled(5), sent(10)])))
def test_a_mail_that_was_sent_after_all_is_sent(order: tuple[MessageEvent, ...]) -> None:
    """Whatever comes when."""
    message = all_of(order, prepared_file()).message
    assert (message.state, message.sent_at) == (MessageState.SENT, sent().occurred_at)


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    "order", list(itertools.permutations([scheduled(), sent(10), cancelled(15), decided(), judged("x")]))
)
def test_a_mail_that_was_called_off_after_it_was_sent_stands_nowhere(order: tuple[MessageEvent, ...]) -> None:
    """As Undo does it."""
    file = all_of(order, prepared_file())
    assert file.message.state is MessageState.CANCELLED
    assert (feed_row(file.message), rows_of(file)) == (None, {})


def test_undo_takes_the_rows_away() -> None:
    """Those that stood on timelines are named as gone."""
    before = all_of([sent(10), decided(), judged("x")], prepared_file())
    event = cancelled(15)
    changes = difference(ACCOUNT, before, folded(before, event), [event])
    assert set(changes.rows_gone) == set(rows_of(before)) != set()


def test_only_a_sent_and_tracked_mail_is_in_the_feed() -> None:
    """An open before the confirmation shows once the confirmation is there."""
    early = all_of([judged("x")], prepared_file())
    assert feed_row(early.message) is None
    shown = feed_row(folded(early, sent()).message)
    assert shown is not None
    assert shown.state is FeedState.OPENED
    assert feed_row(all_of([sent()], prepared_file(tracked=False)).message) is None


def test_a_sent_mail_that_was_never_prepared_is_kept() -> None:
    """An orphan has a row without subject and recipients; nothing is lost."""
    file = all_of([sent(), judged("x")])
    row = feed_row(file.message)
    assert row is not None
    assert (row.subject, row.recipients, row.opens) == ("", (), 1)


def test_repeats_write_and_tell_nothing() -> None:
    """The second delivery of everything is no change at all."""
    done = all_of(LIFE, prepared_file())
    for event in LIFE:
        changes = difference(ACCOUNT, done, folded(done, event), [event])
        told = [one for one in changes.events if isinstance(one, FeedChanged)]
        assert (changes.messages, changes.engagements, changes.decisions, changes.rows, told) == (
            (),
            (),
            (),
            (),
            [],
        )


def test_an_overtaken_state_is_put_right_in_the_topic() -> None:
    """`scheduled` behind `sent` would be what the compacted topic keeps: `sent` is published once more."""
    before = all_of([sent()], prepared_file())
    late = difference(ACCOUNT, before, folded(before, scheduled()), [scheduled()])
    assert late.events == (sent(),)
    again = difference(ACCOUNT, before, folded(before, sent()), [sent()])
    assert again.events == ()


def test_the_feed_s_change_is_told_under_the_cause_s_id() -> None:
    """The same cause gives the same event id, to the rep who sent the mail."""
    before = all_of([sent()], prepared_file())
    opened = judged("x")
    told = difference(ACCOUNT, before, folded(before, opened), [opened]).events
    assert told == difference(ACCOUNT, before, folded(before, opened), [opened]).events
    (event,) = told
    assert isinstance(event, FeedChanged)
    assert event.user_id == REP


def test_the_earliest_decision_stands() -> None:
    """Deciding again after a restored topic moves nothing on any timeline."""
    first, again = decided(ON_HANAKO, seconds=11), decided(seconds=500)
    for order in ([first, again], [again, first]):
        file = all_of([sent(), *order], prepared_file())
        assert file.decision is not None
        assert file.decision.decided == first


def test_an_inferred_open_counts_only_while_none_was_seen() -> None:
    """It sets the state; beside a seen open it adds nothing."""
    inferred = judged("c", 90, inferred=True, verdict=Verdict.HUMAN)
    alone = all_of([sent(), inferred], prepared_file()).message.tally
    both = all_of([sent(), inferred, judged("p", 100)], prepared_file()).message.tally
    assert (alone.opens, both.opens) == (1, 1)
    assert both.first_open_at == inferred.occurred_at


@pytest.mark.requirement("B7", "T3")
def test_an_open_inferred_from_a_reply_opens_the_row_and_says_why() -> None:
    """Nothing else stands behind it; a possible open is one no more."""
    said = (Evidence(rule="inferred.reply"),)
    proxied = judged("p", 60, verdict=Verdict.PRIVACY_PROXY)
    answered = judged("r", 90, inferred=True, verdict=Verdict.HUMAN, evidence=said)
    row = feed_row(all_of([sent(), proxied, answered], prepared_file()).message)
    assert row is not None
    assert (row.state, row.possible_open, row.opens) == (FeedState.OPENED, False, 1)
    assert (row.last_verdict, row.last_evidence) == (Verdict.HUMAN, said)
    vain = answered.model_copy(update={"revision": 1, "folded_into": proxied.engagement_id})
    row = feed_row(all_of([sent(), proxied, answered, vain], prepared_file()).message)
    assert row is not None
    assert (row.state, row.last_verdict) == (FeedState.SENT, Verdict.PRIVACY_PROXY)


@pytest.mark.requirement("B7", "T3")
@pytest.mark.parametrize(
    "why", [{"verdict": Verdict.MACHINE}, {"folded_into": derived_id("test", "an open")}]
)
def test_an_open_inferred_in_vain_counts_no_more(why: dict[str, Any]) -> None:
    """The click that proved it turned out to be a scanner's, or an open came before it."""
    inferred = judged("c", 90, inferred=True)
    vain = judged("c", 90, inferred=True, revision=1, **why)
    for order in ([inferred, vain], [vain, inferred]):
        told = all_of([sent(), *order], prepared_file()).message.tally
        assert (told.opens, told.first_open_at) == (0, None)


@pytest.mark.requirement("T3")
@pytest.mark.parametrize(
    ("verdict", "state", "possible"),
    [
        (Verdict.HUMAN, FeedState.OPENED, False),
        (Verdict.PROXIED_HUMAN, FeedState.OPENED, False),
        (Verdict.PRIVACY_PROXY, FeedState.SENT, True),
        (Verdict.MACHINE, FeedState.SENT, False),
        (Verdict.SELF, FeedState.SENT, False),
        (Verdict.OLDER_MESSAGE, FeedState.SENT, False),
    ],
)
def test_which_verdicts_flip_the_row(verdict: Verdict, state: FeedState, possible: bool) -> None:
    """T3's table."""
    row = feed_row(all_of([sent(), judged("x", verdict=verdict)], prepared_file()).message)
    assert row is not None
    assert (row.state, row.possible_open) == (state, possible)


def test_a_folded_hit_is_not_counted_again() -> None:
    """It repeats another engagement."""
    first = judged("x")
    again = judged("y", 61, folded_into=first.engagement_id)
    file = all_of([sent(), first, again], prepared_file())
    assert file.message.tally.opens == 1
    assert len(rows_of(file)) == 1


def test_a_click_never_hides_the_open_time() -> None:
    """Clicks are beside it."""
    row = feed_row(all_of([sent(), judged("x", 60), clicked(seconds=300)], prepared_file()).message)
    assert row is not None
    assert (row.first_open_at, row.last_open_at, row.clicks) == (
        judged().occurred_at,
        judged().occurred_at,
        1,
    )


def test_events_of_a_message_without_draft_are_about_its_rep() -> None:
    """The orphan's owner is the event's user."""
    assert unknown(sent()).message.user_id == REP


def test_machine_clicks_are_no_clicks() -> None:
    """Scanners follow links."""
    events: list[MessageEvent] = [sent(), clicked(verdict=Verdict.MACHINE)]
    random.Random(1).shuffle(events)
    tally = all_of(events, prepared_file()).message.tally
    assert (tally.clicks, tally.link_clicks) == (0, {})
    assert clicked().kind is EngagementKind.CLICK


def test_times_are_as_the_database_keeps_them() -> None:
    """Finer than a millisecond would differ once read back, and every repeat would be news."""
    file = all_of([sent(10.0005001), judged("x", 60.0005001)], prepared_file())
    (engagement,) = file.engagements.values()
    for moment in (file.message.sent_at, engagement.occurred_at, file.message.tally.first_open_at):
        assert moment is not None
        assert moment.microsecond % 1000 == 0


OFFER = Attachment(index=0, name="offer.pdf", type="application/pdf", size=3, sha256="a" * 64, file_id=REP)


def with_offer(file: MessageFile) -> MessageFile:
    """The mail after its attachment was uploaded."""
    return replace(file, message=attached(file.message, file.decision, OFFER)[0])


@pytest.mark.requirement("R3")
@given(deliveries, st.data())
@settings(max_examples=60, deadline=None)
def test_a_deleted_mail_stays_deleted_whatever_comes_when(
    delivery: list[MessageEvent], data: st.DataObject
) -> None:
    """Before, between or after its events and its upload: one end, without rows, body and files."""
    when = data.draw(st.integers(0, len(delivery)))
    upload = data.draw(st.integers(0, len(delivery)))
    file = prepared_file()
    for number, event in enumerate([*delivery, None]):
        file = deleted(file, at(1000)) if number == when else file
        file = with_offer(file) if number == upload else file
        file = folded(file, event) if event else file
    expected = deleted(all_of(LIFE, prepared_file()), at(1000))
    assert _end(file) == _end(expected)
    assert (rows_of(file), file.message.attachments, file.message.deleted_at) == ({}, (), at(1000))
    assert feed_row(file.message) == feed_row(all_of(LIFE, prepared_file()).message)


@pytest.mark.requirement("R3")
def test_deleting_takes_rows_body_and_files_away_once() -> None:
    """All rows on all records; a second time, or a later upload, changes nothing."""
    before = with_offer(all_of([sent(), decided(ON_HANAKO, ON_DEAL), judged("x")], prepared_file()))
    before = replace(before, message=before.message.model_copy(update={"has_body": True}))
    after = deleted(before, at(1000))
    changes = difference(ACCOUNT, before, after, ())
    assert set(changes.rows_gone) == set(rows_of(before))
    assert len(changes.rows_gone) == 3
    assert dict(changes.bodies) == {after.message.id: Fate.DISCARDED}
    assert dict(changes.files) == {REP: Fate.DISCARDED}
    assert changes.rows == changes.events == changes.newcomers == ()
    assert after.message.has_body is False
    assert deleted(after, at(2000)) is after
    message, became = attached(after.message, after.decision, OFFER)
    assert (message.attachments, became.file_id, became.reason) == ((), None, LeftOut.NOT_LOGGED)


@pytest.mark.requirement("R3", "L5")
def test_a_deleted_mail_makes_no_contacts() -> None:
    """Deleted before its decision came."""
    to = a_draft().recipients[0].model_copy(update={"contact_id": None})
    reason = Reason(rule=CONTACT_ASKED_FOR_RULE)
    outcome = RecipientOutcome(slot=0, outcome=LogOutcome.LOGGED, reasons=(reason,))
    decision = decided(ON_DEAL, recipients=(outcome,))
    for file, made in (
        (prepared_file(recipients=(to,)), 1),
        (deleted(prepared_file(recipients=(to,)), at(5)), 0),
    ):
        after = all_of([sent(), decision], file)
        assert len(difference(ACCOUNT, file, after, ()).newcomers) == made
