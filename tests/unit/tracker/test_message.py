"""One message: repetitions, readings, inferred opens, own views, order of arrival."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.tracker.shard import Shard
from shared.events.engagements import EngagementJudged
from shared.events.ids import derived_id, new_id
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.sends import MessageCancelled, MessageScheduled
from tests.unit.tracker.made import (
    CHROME,
    FIREFOX,
    GOOGLE_PROXY,
    MESSAGE,
    OTHER_ADDRESS,
    USER,
    Tracked,
    at,
    hit,
    message,
    viewing,
)


@pytest.mark.requirement("T3", "T4")
def test_the_ids_follow_from_the_hit() -> None:
    opened = hit(60)
    engagement, raised = Tracked(message(), opened).told
    assert isinstance(engagement, EngagementJudged)
    assert isinstance(raised, NotificationRaised)
    assert engagement.engagement_id == derived_id("engagement", opened.event_id, "open")
    assert engagement.event_id == derived_id("engagement-judged", engagement.engagement_id, 0, "human")
    assert raised.notification_id == derived_id("notification", engagement.engagement_id)
    assert raised.event_id == derived_id("notification-raised", raised.notification_id)
    assert (raised.hit_id, raised.user_id, raised.message_id) == (opened.event_id, USER, MESSAGE)
    assert (engagement.revision, engagement.first, raised.first) == (0, True, True)


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    ("first", "second", "is_folded"),
    [
        (hit(60), hit(70), True),
        (hit(60), hit(70.1), False),
        (hit(60), hit(61, agent="another"), False),
        (hit(60), hit(61, address="192.0.2.1"), False),
        (hit(60, slot=0), hit(61, slot=1), False),
        (
            hit(60, agent=GOOGLE_PROXY, address="66.249.84.1"),
            hit(61, agent=GOOGLE_PROXY, address="66.249.84.2"),
            True,
        ),
        (hit(60, link=0), hit(65, link=0), True),
        (hit(60, link=0), hit(65.1, link=0), False),
        (hit(60, link=0), hit(61, link=1), False),
        (hit(60), hit(60.2, method="HEAD"), True),
        (hit(60, method="HEAD"), hit(60.2), True),
        (hit(60, link=0, method="HEAD"), hit(60.2, link=0), True),
    ],
)
def test_a_repetition_is_folded(first: object, second: object, is_folded: bool) -> None:
    tracked = Tracked(message(recipients=2), first, second)  # type: ignore[arg-type]
    judged = tracked.judged(second)  # type: ignore[arg-type]
    assert judged.folded_into == (tracked.judged(first).engagement_id if is_folded else None)  # type: ignore[arg-type]
    about = [e for e in tracked.told if isinstance(e, EngagementJudged) and e.hit_id == second.event_id]  # type: ignore[attr-defined]
    assert len([e for e in about if not e.inferred]) == 1
    if is_folded:
        assert not judged.first
        assert judged.evidence[0].rule.startswith("repeats.")


@pytest.mark.requirement("T9", "B1")
@pytest.mark.parametrize("link", [None, 0])
def test_head_then_get_of_one_client_counts_once(link: int | None) -> None:
    asked, shown = hit(60, link=link, method="HEAD"), hit(60.2, link=link)
    tracked = Tracked(message(), asked)
    assert (tracked.judged(asked).verdict, tracked.standing()) == ("machine", set())
    tracked.take(shown)
    assert (tracked.judged(asked).verdict, tracked.judged(shown).verdict) == ("human", "human")
    assert tracked.judged(shown).folded_into == tracked.judged(asked).engagement_id
    assert len(tracked.standing()) == 1


@pytest.mark.requirement("B8")
def test_a_reading_is_told_once() -> None:
    minutes = [1, 20, 49, 80]  # the pauses are 19, 29 and 31 minutes
    opens = [hit(60 * minute) for minute in minutes]
    tracked = Tracked(message(), *opens)
    sessions = [tracked.judged(opened).session_id for opened in opens]
    assert sessions[0] == sessions[1] == sessions[2] != sessions[3]
    raised = [event.hit_id for event in tracked.told if isinstance(event, NotificationRaised)]
    assert raised == [opens[0].event_id, opens[3].event_id]
    assert [tracked.judged(opened).first for opened in opens] == [True, False, False, False]


_A_DAY = 24 * 60 * 60


def _previous(tracked: Tracked) -> list[datetime | None]:
    return [event.previous_at for event in tracked.told if isinstance(event, NotificationRaised)]


@pytest.mark.requirement("B8")
def test_a_notification_says_when_the_mail_was_read_before_also_weeks_later() -> None:
    """Neither another recipient's reading counts nor the rep's own view."""
    opens = [hit(when, slot=0) for when in (60, 600, 9 * _A_DAY, 40 * _A_DAY)]
    other = hit(9 * _A_DAY + 60, slot=1)
    own = viewing(30 * _A_DAY), hit(30 * _A_DAY + 1, slot=0)
    tracked = Tracked(message(recipients=2), *opens[:3], other, *own, opens[3])
    assert _previous(tracked) == [None, at(600), None, at(9 * _A_DAY)]


@pytest.mark.requirement("B8")
def test_it_is_known_after_a_restart_and_a_hit_that_is_read_again_is_not_before_itself() -> None:
    first, second = hit(60), hit(9 * _A_DAY)
    tracked = Tracked(message(), first)
    tracked.shard.evict(at(3 * _A_DAY))
    (record,) = tracked.shard.take_unsaved().values()
    again = Tracked()
    again.shard = Shard({MESSAGE: record}.get, timedelta(hours=24), most=1000)
    again.take(first, second)
    assert _previous(again) == [None, at(60)]


@pytest.mark.requirement("B8", "T9")
def test_a_late_hit_corrects_no_engagement_for_the_time_before_it() -> None:
    early, later = hit(60), hit(2 * 60 * 60)
    tracked = Tracked(message(), later)
    judged = [event for event in tracked.take(early) if isinstance(event, EngagementJudged)]
    corrected = [event for event in judged if event.hit_id == later.event_id]
    assert [(event.revision, event.first) for event in corrected] == [(1, False)]
    between = hit(60 * 60)
    judged = [event for event in tracked.take(between) if isinstance(event, EngagementJudged)]
    assert [event.hit_id for event in judged] == [between.event_id]


@pytest.mark.requirement("B7")
def test_a_click_without_an_open_infers_one() -> None:
    clicked = hit(60, link=1)
    tracked = Tracked(message(), clicked)
    opened, click = tracked.judged(clicked, "open"), tracked.judged(clicked)
    assert (opened.inferred, opened.first, opened.verdict, opened.link_index) == (True, True, "human", None)
    assert opened.evidence[0].rule == "inferred.click"
    assert (click.inferred, click.first, click.link_index) == (False, True, 1)
    raised = [event for event in tracked.told if isinstance(event, NotificationRaised)]
    assert [(event.kind, event.engagement_id) for event in raised] == [("clicked", click.engagement_id)]


@pytest.mark.requirement("B7")
def test_an_open_before_the_click_needs_no_inferring_and_both_are_told() -> None:
    opened, clicked = hit(60), hit(65, link=0)
    tracked = Tracked(message(), opened, clicked)
    assert len(tracked.final()) == 2
    assert tracked.judged(opened).session_id == tracked.judged(clicked).session_id
    assert [event.kind for event in tracked.told if isinstance(event, NotificationRaised)] == [
        "opened",
        "clicked",
    ]


@pytest.mark.requirement("B7", "T9")
def test_an_open_that_arrives_late_takes_the_place_of_the_inferred_one() -> None:
    opened, clicked = hit(60), hit(65, link=0)
    tracked = Tracked(message(), clicked)
    tracked.take(opened)
    inferred = tracked.judged(clicked, "open")
    assert (inferred.revision, inferred.folded_into) == (1, tracked.judged(opened).engagement_id)
    assert not inferred.first
    assert tracked.judged(opened).first


@pytest.mark.requirement("B7")
def test_a_privacy_proxy_is_no_open_until_a_click() -> None:
    maybe, clicked = hit(1, agent="Mozilla/5.0"), hit(100, link=0)
    tracked = Tracked(message(), maybe)
    assert not tracked.standing()
    tracked.take(clicked)
    assert tracked.judged(clicked, "open").first


@pytest.mark.requirement("T9")
def test_a_hit_before_the_send_is_kept_and_placed() -> None:
    opened = hit(2)
    tracked = Tracked(opened)
    assert (tracked.told, tracked.shard.pending) == ([], 1)
    tracked.take(message())
    assert tracked.judged(opened).first
    assert tracked.shard.pending == 0
    assert len(tracked.standing()) == 1


@pytest.mark.requirement("T9")
def test_unconfirmed_hits_are_capped() -> None:
    tracked = Tracked(*[hit(20 * n) for n in range(250)])
    assert tracked.shard.pending == 200


@pytest.mark.requirement("T9")
def test_a_repeated_event_changes_nothing() -> None:
    events = [message(), hit(60), hit(90, link=0), viewing(500)]
    tracked = Tracked(*events)
    assert tracked.take(*events) == []


@pytest.mark.requirement("T9")
def test_a_cancelled_message_counts_nothing_unless_it_was_sent_after_all() -> None:
    opened = hit(4)
    tracked = Tracked(message(MessageCancelled, when=1), opened)
    assert (tracked.told, tracked.shard.pending) == ([], 0)
    assert tracked.take(message(when=0)) == []
    assert len(tracked.take(message(when=1))) == 2
    assert tracked.take(message(MessageCancelled, when=1)) == []


@pytest.mark.requirement("T9")
def test_a_message_that_was_called_off_after_it_was_sent_counts_nothing_more() -> None:
    tracked = Tracked(message(), hit(2))
    assert tracked.take(message(MessageCancelled, when=5), hit(200), hit(300, link=0)) == []


@pytest.mark.requirement("T9")
def test_a_scheduled_message_that_was_called_off_before_its_time_counts_nothing() -> None:
    called_off = [message(MessageScheduled, send_at=at(3600)), message(MessageCancelled, when=60)]
    for events in (called_off, called_off[::-1]):
        assert Tracked(*events, hit(4000)).told == []


@pytest.mark.requirement("T9")
def test_a_scheduled_message_counts_from_its_time() -> None:
    before, after = hit(50), hit(4000)
    tracked = Tracked(message(MessageScheduled, send_at=at(3600)), before, after)
    assert set(tracked.final()) == {tracked.judged(after).engagement_id}
    assert tracked.shard.pending == 1
    tracked.take(message(when=3601))
    assert tracked.judged(before).verdict == "self"  # nobody else had the mail then
    assert tracked.judged(after).first


@pytest.mark.requirement("T1", "A4")
def test_an_untracked_message_makes_no_engagement() -> None:
    tracked = Tracked(message(tracked=False), hit(2), hit(3, link=0))
    assert (tracked.told, tracked.shard.pending) == ([], 0)


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    ("recipients", "slot", "candidates"), [(1, None, (0,)), (3, None, (0, 1, 2)), (3, 1, (1,)), (3, 7, ())]
)
def test_candidates(recipients: int, slot: int | None, candidates: tuple[int, ...]) -> None:
    opened = hit(60, slot=slot)
    tracked = Tracked(message(recipients=recipients), opened)
    assert tracked.judged(opened).candidates == candidates
    assert tracked.told[1].candidates == candidates  # type: ignore[attr-defined]


@pytest.mark.requirement("P3")
def test_anonymous_names_nobody() -> None:
    opened = hit(60, slot=1)
    judged = Tracked(message(recipients=3, anonymous=True), opened).judged(opened)
    assert (judged.anonymous, judged.candidates) == (True, ())


@pytest.mark.requirement("B6", "B7")
def test_each_slot_has_its_own_reading_and_inferred_open() -> None:
    clicked = hit(90, link=0, slot=1)
    tracked = Tracked(message(recipients=2), hit(60, slot=0), clicked)
    assert tracked.judged(clicked, "open").inferred
    assert not tracked.judged(clicked, "open").first
    assert len(tracked.standing()) == 2


@pytest.mark.requirement("B4", "B3")
@pytest.mark.parametrize("agent", [CHROME, GOOGLE_PROXY])
@pytest.mark.parametrize("seconds", [-9, 0, 9])
def test_own_view_before_the_hit(agent: str, seconds: float) -> None:
    opened = hit(60, agent=agent)
    tracked = Tracked(message(), viewing(60 + seconds), opened)
    judged = tracked.judged(opened)
    assert (judged.verdict, judged.first, judged.revision) == ("self", False, 0)
    assert judged.evidence[0].rule.startswith("own-views.")
    assert not any(isinstance(event, NotificationRaised) for event in tracked.told)


@pytest.mark.requirement("B4", "B3")
@pytest.mark.parametrize("agent", [CHROME, GOOGLE_PROXY])
def test_own_view_after_the_hit_corrects_and_retracts(agent: str) -> None:
    opened = hit(60, agent=agent)
    tracked = Tracked(message(), opened)
    correction, retraction = tracked.take(viewing(65))
    assert isinstance(correction, EngagementJudged)
    assert (correction.verdict, correction.revision, correction.first) == ("self", 1, False)
    assert isinstance(retraction, NotificationRetracted)
    assert retraction.notification_id == derived_id("notification", correction.engagement_id)
    assert retraction.rule.startswith("own-views.")
    assert not tracked.standing()


@pytest.mark.requirement("B4")
@pytest.mark.parametrize(
    "beacon",
    [
        viewing(65, user=new_id()),
        viewing(71),
        viewing(49),
        viewing(65, agent="another browser"),
        viewing(65, address="192.0.2.55"),
    ],
    ids=["another user's", "too late", "too early", "another browser", "another address"],
)
def test_what_is_no_proof_of_an_own_view(beacon: object) -> None:
    tracked = Tracked(message(), hit(60))
    assert tracked.take(beacon) == []  # type: ignore[arg-type]


@pytest.mark.requirement("B4")
def test_an_own_view_corrected_hands_first_to_the_next_open() -> None:
    mine, theirs = hit(60), hit(90, agent=FIREFOX, address="192.0.2.1")
    tracked = Tracked(message(), mine, theirs, viewing(61))
    assert tracked.judged(theirs).first
    assert tracked.standing() == {derived_id("notification", tracked.judged(theirs).engagement_id)}


@pytest.mark.requirement("B4", "B7")
def test_an_own_click_takes_its_inferred_open_with_it() -> None:
    clicked = hit(100, link=0)
    tracked = Tracked(message(), clicked)
    tracked.take(viewing(40))
    assert [tracked.judged(clicked, kind).verdict for kind in ("open", "click")] == ["self", "self"]
    assert not any(judged.first for judged in tracked.final().values())
    assert not tracked.standing()


@pytest.mark.requirement("T9")
def test_what_was_first_lasts_beyond_memory() -> None:
    first, later = hit(60), hit(60 + 30 * 3600)
    tracked = Tracked(message(), first)
    tracked.shard.evict(at(60) + timedelta(hours=25))
    assert len(tracked.shard) == 0
    tracked.take(later)
    assert tracked.judged(later).revision == 0
    assert not tracked.judged(later).first
    kept = tracked.shard.unsaved[MESSAGE]
    assert kept.lasting.first_open == derived_id("engagement", first.event_id, "open")


@pytest.mark.requirement("T9")
def test_a_long_history_is_settled() -> None:
    opens = [hit(60 + 3600 * n) for n in range(60)]
    tracked = Tracked(message(), *opens)
    judged = [tracked.judged(opened) for opened in opens]
    assert [index for index, one in enumerate(judged) if one.first] == [0]
    assert all(one.revision == 0 for one in judged)


def test_evicting_keeps_the_message() -> None:
    other = UUID(int=5)
    tracked = Tracked(message(message_id=other), hit(1, message_id=other))
    tracked.shard.evict(at(0) + timedelta(days=2))
    tracked.take(hit(3600, message_id=other, address=OTHER_ADDRESS))
    assert len(tracked.final()) == 2
