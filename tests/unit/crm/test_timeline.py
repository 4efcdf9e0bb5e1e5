"""Which rows a mail writes on which timelines."""

import pytest

from services.crm.model.timeline import TimelineType
from shared.events.engagements import Verdict
from shared.events.log_decisions import RecordType
from tests.unit.crm.made import (
    HANAKO,
    LIAM,
    ON_DEAL,
    ON_HANAKO,
    all_of,
    clicked,
    decided,
    judged,
    prepared_file,
    rows_of,
    sent,
)

OPEN, CLICK, EMAIL = TimelineType.OPEN, TimelineType.CLICK, TimelineType.EMAIL


@pytest.mark.requirement("L2")
def test_a_logged_mail_stands_on_exactly_the_decided_records() -> None:
    """On each of them once, with subject and recipients."""
    rows = rows_of(all_of([sent(), decided(ON_HANAKO, ON_DEAL)], prepared_file())).values()
    assert {(row.record_type, row.record_id) for row in rows} == {
        (ON_HANAKO.record_type, ON_HANAKO.record_id),
        (ON_DEAL.record_type, ON_DEAL.record_id),
    }
    assert {row.type for row in rows} == {EMAIL}
    assert {row.subject for row in rows} == {"Offer"}
    assert {row.recipients for row in rows} == {("山田 花子", "liam@northwind.example")}


@pytest.mark.requirement("L2", "L13")
def test_a_mail_that_was_not_logged_stands_nowhere() -> None:
    """A decision against it writes no row."""
    assert rows_of(all_of([sent(), decided()], prepared_file())) == {}


@pytest.mark.requirement("R2")
def test_an_open_of_an_unlogged_mail_tells_no_subject_and_no_link() -> None:
    """The contact's timeline shows that something was opened and clicked, not what."""
    rows = rows_of(all_of([sent(), judged(), clicked(), decided(ON_DEAL)], prepared_file())).values()
    on_contact = [row for row in rows if row.record_type is RecordType.CONTACT]
    assert {row.type for row in on_contact} == {OPEN, CLICK}
    assert {(row.record_id, row.subject, row.link) for row in on_contact} == {(HANAKO, None, None)}


@pytest.mark.requirement("R2")
def test_an_open_of_a_logged_mail_tells_its_subject() -> None:
    """Also when the decision came after the open."""
    rows = rows_of(all_of([sent(), clicked(), decided(ON_HANAKO)], prepared_file())).values()
    (click,) = [row for row in rows if row.type is CLICK]
    assert (click.subject, click.link) == ("Offer", "https://example.com/b")


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    ("candidates", "contacts"),
    [((0,), {HANAKO}), ((1,), {LIAM}), ((0, 1), set()), ((), set()), ((7,), set())],
)
def test_only_a_certain_recipient_is_named(candidates: tuple[int, ...], contacts: set[object]) -> None:
    """Exactly one candidate, or no row."""
    rows = rows_of(all_of([sent(), judged(candidates=candidates)], prepared_file()))
    assert {row.record_id for row in rows.values()} == contacts


@pytest.mark.requirement("P3")
def test_anonymous_opens_stand_on_no_timeline() -> None:
    """Whether the message or the engagement says so."""
    assert rows_of(all_of([sent(), judged()], prepared_file(anonymous=True))) == {}
    assert rows_of(all_of([sent(), judged(anonymous=True)], prepared_file())) == {}


@pytest.mark.parametrize(
    "verdict", [Verdict.MACHINE, Verdict.SELF, Verdict.PRIVACY_PROXY, Verdict.OLDER_MESSAGE]
)
def test_what_is_no_act_of_a_person_stands_on_no_timeline(verdict: Verdict) -> None:
    """Only opens and clicks that count."""
    assert rows_of(all_of([sent(), judged(verdict=verdict)], prepared_file())) == {}


def test_a_link_beyond_the_mail_s_links_is_no_link() -> None:
    """An index that the draft does not have is shown without an address."""
    rows = rows_of(all_of([sent(), clicked(link_index=9), decided(ON_HANAKO)], prepared_file())).values()
    assert [row.link for row in rows if row.type is CLICK] == [None]
