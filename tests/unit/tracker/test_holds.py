"""Suspicious hits wait for a burst to show; clear ones are told at once (B3)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tracker import handlers
from services.tracker.outputs import events_of
from services.tracker.revocations import Revocations
from services.tracker.shard import Shard
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.hits import AcrossMessages, HitRecorded
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.revocations import RevocationScope, TrackingRevoked
from tests.unit.tracker.made import (
    ACCOUNT,
    GOOGLE_ADDRESS,
    GOOGLE_PROXY,
    MESSAGE,
    USER,
    MessageCancelled,
    Tracked,
    at,
    hit,
    message,
    related,
    viewing,
)

HOLD = timedelta(seconds=8)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; ms-office; MSOffice 16)"


class Holding:
    """A shard that holds, on a clock of the test's: events come at their time unless another is given."""

    def __init__(self) -> None:
        self.shard = Shard(lambda _: None, timedelta(hours=24), most=1000, hold=HOLD)
        self.revocations = Revocations()
        self.told: list[Event] = []

    def take(self, event: Event, when: float | None = None, *, offset: int = 0) -> list[Event]:
        now = event.occurred_at if when is None else at(when)
        self.shard.reading = offset
        changes = handlers.handle(self.shard, self.revocations, event, now, again=False)
        return self._tell(changes)

    def release(self, when: float) -> list[Event]:
        return self._tell(handlers.released(self.shard, self.revocations, at(when)))

    def _tell(self, changes: list[handlers.Change]) -> list[Event]:
        told = [event for change in changes for event in events_of(change)]
        self.told += told
        return told


def _pushes(events: list[Event]) -> int:
    return sum(isinstance(event, NotificationRaised) for event in events)


@pytest.mark.requirement("B3", "T4")
@pytest.mark.parametrize(
    ("first", "is_clear"),
    [
        (hit(20, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS), True),
        (hit(20, agent=OUTLOOK), True),
        (hit(61), True),
        (hit(20), False),
        (hit(61, link=0), False),
        (hit(601, link=0), True),
    ],
)
def test_what_is_clear_is_told_at_once(first: HitRecorded, is_clear: bool) -> None:
    holding = Holding()
    holding.take(message())
    assert bool(holding.take(first)) is is_clear
    assert _pushes(holding.told) == is_clear


@pytest.mark.requirement("B3")
def test_a_held_hit_is_told_after_eight_seconds_and_not_before() -> None:
    holding = Holding()
    holding.take(message())
    assert holding.take(hit(20)) == []
    assert holding.release(27.9) == []
    assert holding.shard.next_due == at(28)
    assert _pushes(holding.release(28)) == 1
    assert holding.release(100) == []


@pytest.mark.requirement("B3")
def test_a_burst_within_the_hold_raises_nothing() -> None:
    holding = Holding()
    holding.take(message())
    for event in (hit(43, link=0), hit(43.02, link=1), hit(43.04, link=2), hit(44)):
        holding.take(event)
    holding.release(60)
    judged = [event for event in holding.told if isinstance(event, EngagementJudged)]
    assert {one.verdict for one in judged if not one.inferred} == {"machine"}
    assert _pushes(holding.told) == 0


@pytest.mark.requirement("B3")
def test_a_contradiction_after_the_hold_retracts() -> None:
    holding = Holding()
    holding.take(message())
    opened = hit(20)
    holding.take(opened)
    assert _pushes(holding.release(28)) == 1
    told = holding.take(viewing(21), when=300)
    assert [event.rule for event in told if isinstance(event, NotificationRetracted)] == [
        "own-views.same-browser"
    ]


@pytest.mark.requirement("B3")
def test_after_a_standstill_what_came_meanwhile_is_read_before_a_hit_is_let_go() -> None:
    """On recovery all hits are older than the hold: the burst still has to be seen first."""
    holding = Holding()
    holding.take(message())
    assert holding.take(hit(43, link=0), when=500) == []
    holding.take(hit(43.02, link=1), when=500)
    holding.release(501.1)
    assert _pushes(holding.told) == 0


@pytest.mark.requirement("B3")
def test_a_clock_that_is_ahead_prolongs_no_hold() -> None:
    holding = Holding()
    holding.take(message())
    assert holding.take(hit(50), when=20) == []
    assert holding.shard.next_due == at(28)


@pytest.mark.requirement("B3")
def test_nothing_is_committed_beyond_a_held_hit() -> None:
    holding = Holding()
    holding.take(message())
    holding.take(hit(20), offset=7)
    holding.take(hit(25, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS), offset=8)
    assert holding.shard.held_from == 7
    holding.release(28)
    assert holding.shard.held_from is None


@pytest.mark.requirement("B3", "P4")
def test_a_withdrawal_during_the_hold_tells_nothing() -> None:
    holding = Holding()
    holding.take(message())
    holding.take(hit(20))
    holding.revocations.apply(
        TrackingRevoked(
            event_id=USER,
            occurred_at=at(22),
            account_id=ACCOUNT,
            scope=RevocationScope.MESSAGE,
            subject_id=MESSAGE,
            reason="legal_basis_withdrawn",
        )
    )
    assert holding.release(28) == []


@pytest.mark.requirement("B3", "T9")
def test_a_hit_that_waited_for_its_send_is_told_with_it() -> None:
    """Its offset is committed long before: a hold would die with the process."""
    holding = Holding()
    assert holding.take(hit(20), when=20) == []
    assert _pushes(holding.take(message(), when=21)) == 1
    assert holding.shard.holding == 0


@pytest.mark.requirement("B3")
@pytest.mark.parametrize(("when", "retracted"), [(500, 1), (21, 0)])
def test_what_a_process_that_died_may_have_raised_is_retracted(when: float, retracted: int) -> None:
    """Read again after its hold is over, and contradicted before it is let go once more."""
    holding = Holding()
    holding.take(message())
    holding.take(hit(20), when=when)
    holding.take(viewing(21), when=when)
    told = holding.release(when + 10)
    assert sum(isinstance(event, NotificationRetracted) for event in told) == retracted
    assert _pushes(told) == 0


@pytest.mark.requirement("B3")
def test_a_head_before_its_get_does_not_spare_the_hold() -> None:
    holding = Holding()
    holding.take(message())
    for event in (hit(20, link=0, method="HEAD"), hit(20.05, link=0), hit(20.1, link=1)):
        holding.take(event)
    holding.release(40)
    assert _pushes(holding.told) == 0


@pytest.mark.requirement("B3", "T9")
def test_a_mail_that_is_sent_after_it_was_called_off_tells_what_was_held() -> None:
    holding = Holding()
    holding.take(message())
    holding.take(hit(20))
    holding.take(message(MessageCancelled, when=22))
    assert holding.release(28) == []
    assert _pushes(holding.take(message(when=30))) == 1


@pytest.mark.requirement("B3")
def test_a_held_message_is_not_let_go_of() -> None:
    holding = Holding()
    holding.take(message())
    holding.take(hit(20))
    assert holding.shard.evict(at(20) + timedelta(days=2)) == 0
    assert _pushes(holding.release(28)) == 1


_HITS = st.builds(
    hit,
    st.sampled_from([2, 3, 3.4, 5, 12, 20, 20.5, 50, 70, 700]),
    link=st.sampled_from([None, 0, 1, 2]),
    method=st.sampled_from(["GET", "GET", "HEAD"]),
)
_ACROSS: st.SearchStrategy[AcrossMessages] = st.sampled_from(["threads.older-message", "bursts.many-mails"])
_FACTS = st.lists(
    st.one_of(
        _HITS,
        st.builds(viewing, st.sampled_from([3, 20, 70])),
        st.builds(related, _HITS, _ACROSS, st.integers(0, 4)),  # of a hit that may never come
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda event: event.event_id,
)


@pytest.mark.requirement("B3", "T9")
@settings(max_examples=300, deadline=None)
@given(_FACTS, st.data())
def test_holding_changes_when_something_is_told_not_what(facts: list[Event], data: st.DataObject) -> None:
    """And a worker that takes over from anywhere tells the same with the same revisions."""
    delivered = data.draw(st.permutations(facts))
    holding, plain, after_a_crash = Holding(), Tracked(message()), Holding()
    for one in (holding, after_a_crash):
        one.take(message())
    crashed = data.draw(st.integers(0, len(delivered)))
    for number, event in enumerate(delivered):
        plain.take(event)
        holding.take(event, when=1000 + number)
        if number < crashed:
            holding.release(1000 + number)
    for event in delivered:
        after_a_crash.take(event, when=5000)
    holding.release(10_000)
    after_a_crash.release(10_000)
    assert _last(holding.told) == _last(plain.told) == _last(after_a_crash.told)


def _last(told: list[Event]) -> dict[object, tuple[int, str, bool]]:
    best: dict[object, tuple[int, str, bool]] = {}
    for event in told:
        if isinstance(event, EngagementJudged):
            known = best.get(event.engagement_id)
            if known is None or event.revision > known[0]:
                best[event.engagement_id] = (event.revision, event.verdict, event.first)
    return best
