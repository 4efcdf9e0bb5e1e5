"""A reply proves an open that nobody saw, and no more than that (B7)."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.tracker.rules.rulesets import CURRENT
from shared.events.base import Event
from shared.events.engagements import EngagementJudged, Verdict
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.sends import MessageScheduled
from tests.unit.tracker.made import ACCOUNT, Tracked, at, hit, message, reply
from tests.unit.tracker.replayed import Live, kept, replayed

pytestmark = pytest.mark.requirement("B7")
APPLE = {"agent": "Mozilla/5.0", "address": "172.224.226.1"}


def rules_of(judged: EngagementJudged) -> list[str]:
    return [spoke.rule for spoke in judged.evidence]


def test_a_reply_to_a_mail_that_nobody_opened_back_fills_the_open() -> None:
    answer = reply(600)
    tracked = Tracked(message(), answer)
    [told] = tracked.told
    assert isinstance(told, EngagementJudged)
    assert (told.occurred_at, told.hit_id, told.kind) == (at(600), answer.event_id, "open")
    assert (told.verdict, told.inferred, told.first, told.candidates) == (Verdict.HUMAN, True, True, (0,))
    assert rules_of(told) == ["inferred.reply", "timing.after-send"]
    assert told.confidence == 0.9


def test_the_rep_who_has_the_reply_at_hand_gets_no_pop_up_and_loses_none() -> None:
    tracked = Tracked(message(), hit(700))
    raised = [event for event in tracked.told if isinstance(event, NotificationRaised)]
    assert len(raised) == 1
    late = tracked.take(reply(600))
    assert not any(isinstance(event, NotificationRaised | NotificationRetracted) for event in late)


@pytest.mark.parametrize("link", [None, 0])
def test_what_was_opened_or_followed_before_needs_no_inferring(link: int | None) -> None:
    tracked = Tracked(message(), hit(300, link=link))
    before = list(tracked.told)
    tracked.take(reply(600), reply(900, name="second"))
    assert tracked.told == before


def test_a_click_after_a_reply_needs_no_inferring_either() -> None:
    tracked = Tracked(message(), reply(600), hit(900, link=0))
    inferred = [one for one in tracked.final().values() if one.inferred]
    assert [rules_of(one)[0] for one in inferred] == ["inferred.reply"]


@pytest.mark.requirement("T9")
def test_an_open_before_it_that_comes_late_takes_its_place() -> None:
    answer, opened = reply(600), hit(300)
    tracked = Tracked(message(), answer)
    tracked.take(opened)
    vain = tracked.judged(answer)
    assert vain.folded_into == tracked.judged(opened).engagement_id
    assert (vain.revision, vain.first) == (1, False)
    assert tracked.judged(opened).first


@pytest.mark.requirement("T3")
def test_a_possible_open_is_upgraded() -> None:
    loaded = hit(60, **APPLE)  # type: ignore[arg-type]
    tracked = Tracked(message(), loaded, answer := reply(600))
    assert tracked.judged(loaded).verdict is Verdict.PRIVACY_PROXY
    assert tracked.judged(answer).first


@pytest.mark.requirement("B6")
def test_a_known_replier_is_exact_whoever_else_has_opened() -> None:
    tracked = Tracked(message(recipients=3), hit(300), answer := reply(600, slot=1))
    assert tracked.judged(answer).candidates == (1,)
    assert not tracked.judged(answer).first
    tracked.take(reply(700, slot=1, name="again"))
    assert sum(one.inferred for one in tracked.final().values()) == 1


@pytest.mark.requirement("B6")
def test_somebody_else_s_reply_may_have_been_anybody_s_and_adds_nothing_to_an_open() -> None:
    alone = Tracked(message(recipients=3), answer := reply(600))
    assert alone.judged(answer).candidates == (0, 1, 2)
    known = Tracked(message(recipients=3), hit(300, slot=2), answer)
    assert not any(one.inferred for one in known.final().values())


@pytest.mark.requirement("P3")
def test_of_an_anonymous_mail_nobody_is_named() -> None:
    tracked = Tracked(message(recipients=2, anonymous=True), first := reply(600, slot=1), reply(700, slot=0))
    judged = tracked.judged(first)
    assert (judged.candidates, judged.anonymous) == ((), True)
    assert list(tracked.final()) == [judged.engagement_id], "a second one would tell two people apart"


def test_one_recipient_s_address_names_its_slot_or_not() -> None:
    for slots in ((None, 0), (0, None)):
        tracked = Tracked(message(), hit(300, slot=slots[0]), reply(600, slot=slots[1]))
        assert not any(one.inferred for one in tracked.final().values())
        tracked = Tracked(message(), reply(600, slot=slots[0]), hit(900, link=0, slot=slots[1]))
        assert sum(one.inferred for one in tracked.final().values()) == 1


def test_only_the_sender_s_word_counts() -> None:
    assert Tracked(message(), reply(600, user=ACCOUNT)).told == []
    stranger = reply(600).model_copy(update={"account_id": UUID(int=5)})
    assert Tracked(message(), stranger).told == []


def test_a_reply_at_once_is_less_sure_and_says_why() -> None:
    soon, later = (Tracked(message(), one).judged(one) for one in (reply(59), reply(60)))
    assert rules_of(soon) == ["inferred.reply", "inferred.reply-at-once", "timing.after-send"]
    assert (soon.confidence, later.confidence) == (0.5, 0.9)


def test_nothing_is_answered_before_it_is_sent() -> None:
    assert Tracked(message(), reply(-61)).told == []
    assert Tracked(message(), reply(-60)).told != []
    assert Tracked(message(), reply(-1_800_000_000)).told == []
    scheduled = message(MessageScheduled, when=-600, send_at=at(0))
    tracked = Tracked(scheduled, answer := reply(30))
    assert tracked.judged(answer).inferred
    tracked.take(message(when=100))  # it went out later than planned
    judged = tracked.judged(answer)
    assert (judged.verdict, judged.first, judged.revision) == (Verdict.SELF, False, 1)


def test_a_reply_is_no_fetch() -> None:
    """It tells nothing of a burst, nor of a thread. Links followed one after the other are a machine's
    where no picture came before them, and a stranger's word is none."""
    beside: list[Event] = [hit(610, link=0), hit(613, link=1), hit(616, link=2)]
    without = Tracked(message(), *beside)
    assert {one.verdict for one in without.final().values()} == {Verdict.MACHINE}
    many = [reply(100, user=ACCOUNT, name=number, told=611 + number / 10) for number in range(40)]
    assert Tracked(message(), *many, *beside).final() == without.final()
    late = Tracked(*many, *beside, message()).final()
    assert {one.verdict for one in late.values()} == {Verdict.MACHINE}
    own = [reply(600, name=number, told=610 + number / 100) for number in range(1, 41)]
    at_once = [hit(610, link=0), hit(610.5, link=1)]
    links = Tracked(message(), *own, *at_once)
    assert {links.judged(one).verdict for one in at_once} == {Verdict.MACHINE}
    tracked = Tracked(message(), reply(600))
    assert all(one.hit.told_by is None for one in tracked.shard.take_judged())


@pytest.mark.requirement("T9")
def test_strangers_replies_push_out_no_hit_that_waits_for_its_send() -> None:
    opened = hit(300)
    flood = [reply(-900, user=ACCOUNT, name=number, told=-500 + number) for number in range(300)]
    tracked = Tracked(*flood, opened)
    assert tracked.shard.pending == 1
    tracked.take(message())
    assert list(tracked.final()) == [tracked.judged(opened).engagement_id]
    early = Tracked(answer := reply(200, told=250), opened)
    early.take(message())
    assert early.judged(answer).first, "the rep's own waits as well"


@pytest.mark.requirement("T9")
def test_a_reply_that_is_seen_days_later_says_when_it_came_and_corrects_no_open() -> None:
    tracked = Tracked(message(), answer := reply(600, told=90_000))
    judged = tracked.judged(answer)
    assert (judged.occurred_at, judged.first) == (at(600), True)
    assert judged.evidence[-1].values == {"seconds": 600}
    seen_first = Tracked(message(), opened := hit(80_000), answer)
    assert list(seen_first.final()) == [seen_first.judged(opened).engagement_id]


def test_told_again_with_another_time_it_has_no_other_effect() -> None:
    tracked = Tracked(message(), reply(600, told=900))
    assert tracked.take(reply(600, told=5000)) == []
    tracked.take(hit(1000))
    assert sum(one.inferred for one in tracked.final().values()) == 1


@pytest.mark.requirement("B2")
@pytest.mark.parametrize("told", [700, 200_000])
def test_a_replay_by_the_same_rules_leaves_a_reply_told_late_as_it_is(told: float) -> None:
    """What lies between was settled by then, or is kept no longer."""
    events: list[Event] = [
        message(recipients=3),
        hit(500, slot=2),
        hit(190_000),
        reply(300, told=told, slot=1),
    ]
    standing = kept(Live(CURRENT).take(events).end())
    assert replayed(events, standing, CURRENT).differences == ()
    assert replayed([events[0], *events[2:]], standing, CURRENT).differences == ()


def test_told_again_after_the_state_was_let_go_it_is_the_same_event() -> None:
    tracked = Tracked(message(), answer := reply(600))
    tracked.shard.evict(at(0) + timedelta(days=30))
    [first, again] = [*tracked.told, *tracked.take(answer)]
    assert first == again


@pytest.mark.requirement("B2")
def test_a_replay_takes_back_what_was_not_sent_yet_after_all() -> None:
    scheduled = message(MessageScheduled, when=-600, send_at=at(0))
    standing = kept(Live(CURRENT).take([scheduled, reply(30)]).end())
    [taken_back] = replayed([scheduled, reply(30), message(when=100)], standing, CURRENT).differences
    assert taken_back.after.verdict is Verdict.SELF


@pytest.mark.requirement("B2")
def test_a_replay_takes_back_what_other_rules_need_not_infer() -> None:
    """Here an open before the reply that the live run never saw, in the place of one that was a machine's."""
    events: list[Event] = [message(), reply(600)]
    standing = kept(Live(CURRENT).take(events).end())
    found = replayed([*events, hit(300)], standing, CURRENT)
    after = {one.after.hit_id: one.after for one in found.differences}
    vain = after[events[1].event_id]
    assert vain.inferred
    assert vain.folded_into == after[hit(300).event_id].engagement_id
    assert (vain.revision, vain.first) == (1000, False)
    again = {**standing, **{one.after.engagement_id: one.after for one in found.differences}}
    assert replayed([*events, hit(300)], again, CURRENT).differences == ()
