"""The oracle finds each kind of loss and doubling, and nothing where there is none."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.chaos.oracle import Acknowledged, Finding, OnKafka, Pushed, Raised, Stored, Verdict, judge

MAIL, RECORD = UUID(int=1), UUID(int=2)
HIT, COPY = UUID(int=11), UUID(int=12)
ENGAGEMENT, POP_UP, EVENT = UUID(int=21), UUID(int=31), UUID(int=41)

ACKNOWLEDGED = Acknowledged({7: MAIL}, frozenset({MAIL}))
ON_KAFKA = OnKafka([(7, HIT)], frozenset({MAIL}), [Raised(POP_UP, MAIL, 0, 5)])
STORED = Stored(
    [(7, HIT)],
    [(HIT, "open", False)],
    frozenset({MAIL}),
    frozenset({MAIL}),
    [(MAIL, None, RECORD), (MAIL, ENGAGEMENT, RECORD)],
)
SCREENS = {"screen": Pushed([EVENT], frozenset({POP_UP}))}


def verdict(
    acknowledged: Acknowledged = ACKNOWLEDGED,
    on_kafka: OnKafka = ON_KAFKA,
    stored: Stored = STORED,
    pushed: Pushed = SCREENS["screen"],
) -> Verdict:
    return judge(acknowledged, on_kafka, stored, {"screen": pushed})


def test_all_in_its_place_is_clean() -> None:
    assert verdict() == Verdict()
    assert verdict().clean


@pytest.mark.parametrize(
    ("on_kafka", "stored", "where"),
    [
        (replace(ON_KAFKA, hits=[]), STORED, "hit on Kafka"),
        (replace(ON_KAFKA, sends=frozenset()), STORED, "send on Kafka"),
        (ON_KAFKA, replace(STORED, archive=[]), "hit in the archive"),
        (ON_KAFKA, replace(STORED, engagements=[]), "engagement of hit"),
        (ON_KAFKA, replace(STORED, engagements=[(HIT, "open", True)]), "engagement of hit"),
        (ON_KAFKA, replace(STORED, sent=frozenset()), "send in the feed"),
        (ON_KAFKA, replace(STORED, decided=frozenset()), "decision"),
        (ON_KAFKA, replace(STORED, timeline=[(MAIL, ENGAGEMENT, RECORD)]), "mail on a timeline"),
    ],
)
def test_what_was_acknowledged_and_is_missing_is_lost(on_kafka: OnKafka, stored: Stored, where: str) -> None:
    found = verdict(on_kafka=on_kafka, stored=stored)
    assert [finding.where for finding in found.acked_lost] == [where]
    assert not found.clean
    assert where in str(found)


def test_what_was_not_acknowledged_may_be_missing_or_there() -> None:
    assert verdict(acknowledged=Acknowledged()).clean
    nothing = verdict(Acknowledged(), OnKafka(), Stored(), Pushed())
    assert nothing.clean


def test_a_hit_on_mail_that_was_never_sent_needs_no_engagement() -> None:
    assert verdict(replace(ACKNOWLEDGED, sends=frozenset()), stored=replace(STORED, engagements=[])).clean


def test_copies_of_one_event_are_one_effect() -> None:
    assert verdict(on_kafka=replace(ON_KAFKA, hits=[(7, HIT), (7, HIT)])).clean


@pytest.mark.parametrize(
    ("on_kafka", "stored", "finding"),
    [
        (replace(ON_KAFKA, hits=[(7, COPY), (7, HIT)]), STORED, Finding("hit on Kafka", 7)),
        (ON_KAFKA, replace(STORED, archive=[(7, HIT), (7, COPY)]), Finding("hit in the archive", 7)),
        (
            ON_KAFKA,
            replace(STORED, engagements=[(HIT, "open", False)] * 2),
            Finding("engagement", (HIT, "open", False)),
        ),
        (
            ON_KAFKA,
            replace(STORED, timeline=[(MAIL, None, RECORD)] * 2),
            Finding("timeline row", (MAIL, None, RECORD)),
        ),
    ],
)
def test_two_of_what_should_be_one_is_stored_twice(
    on_kafka: OnKafka, stored: Stored, finding: Finding
) -> None:
    assert verdict(on_kafka=on_kafka, stored=stored).stored_twice == (finding,)


def test_a_click_and_the_open_inferred_from_it_are_two_things() -> None:
    both = [(HIT, "click", False), (HIT, "open", True)]
    assert verdict(stored=replace(STORED, engagements=both)).clean


def test_an_event_that_came_twice_is_pushed_twice() -> None:
    found = verdict(pushed=Pushed([EVENT, EVENT], frozenset({POP_UP})))
    assert found == Verdict(pushed_twice=(Finding("push to screen", EVENT),))


def test_a_pop_up_that_never_came_is_lost() -> None:
    assert verdict(pushed=Pushed()).acked_lost == (Finding("push to screen", POP_UP),)


def test_a_pop_up_that_was_retracted_or_left_to_a_reload_is_not() -> None:
    assert verdict(on_kafka=replace(ON_KAFKA, retracted=frozenset({POP_UP})), pushed=Pushed()).clean
    assert verdict(pushed=Pushed(reloaded={0: 6})).clean
    for before in ({0: 5}, {1: 6}):
        assert not verdict(pushed=Pushed(reloaded=before)).clean
