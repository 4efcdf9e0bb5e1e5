"""Whatever the order of arrival, the repetitions and the restarts: the same engagements, the same pop-ups."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.hits import AcrossMessages, HitRecorded
from shared.events.ids import derived_id
from shared.events.sends import MessageCancelled, MessageScheduled, SendEvent
from tests.unit.tracker.made import (
    ACCOUNT,
    CHROME,
    GMAIL_PREFETCH,
    GOOGLE_ADDRESS,
    GOOGLE_PROXY,
    OTHER_ADDRESS,
    USER,
    Tracked,
    at,
    hit,
    message,
    related,
    reply,
    viewing,
)

# close together, so that windows meet: seconds around the 1 s, 2 s, 5 s, 10 s, 30 s and 30 min borders
_WHEN = st.sampled_from(
    [0, 0.4, 1, 2, 4, 4.7, 5, 6, 9, 10, 10.5, 11, 15, 20, 33, 600, 600.6, 1790, 1801, 1810, 3590, 3700, 9000]
)
_CLIENTS = st.sampled_from(
    [
        (CHROME, OTHER_ADDRESS),
        (CHROME, None),
        ("Mozilla/5.0", "172.224.226.1"),
        ("curl/8.5", OTHER_ADDRESS),
        (GOOGLE_PROXY, GOOGLE_ADDRESS),
        (GMAIL_PREFETCH, GOOGLE_ADDRESS),
    ]
)
_HITS = st.builds(
    lambda when, client, link, method, slot, name: hit(
        when, agent=client[0], address=client[1], link=link, method=method, slot=slot, name=name
    ),
    _WHEN,
    _CLIENTS,
    st.sampled_from([None, None, 0, 1, 2]),
    st.sampled_from(["GET", "GET", "HEAD"]),
    st.sampled_from([None, None, 1]),
    st.integers(0, 1),
)
_BEACONS = st.builds(viewing, _WHEN, user=st.sampled_from([USER, ACCOUNT]))
_REPLIES = st.builds(
    reply,
    st.sampled_from([-600, 5, 9, 10.5, 33, 600, 1795, 3600, 9001]),
    slot=st.sampled_from([None, 0, 1]),
    user=st.sampled_from([USER, USER, ACCOUNT]),
)
_ACROSS: st.SearchStrategy[AcrossMessages] = st.sampled_from(["threads.older-message", "bursts.many-mails"])


@st.composite
def _facts(draw: st.DrawFn) -> list[Event]:
    """Some hits are related to others, and some of these more than once, with another value."""
    facts: list[Event] = draw(
        st.lists(
            st.one_of(_HITS, _HITS, _BEACONS, _REPLIES),
            min_size=1,
            max_size=9,
            unique_by=lambda e: e.event_id,
        )
    )
    hits = [event for event in facts if isinstance(event, HitRecorded)]
    of = st.sampled_from(hits) if hits else st.nothing()
    return facts + draw(st.lists(st.builds(related, of, _ACROSS, st.integers(0, 4)), max_size=4))


FACTS = _facts()
SENDS = st.sampled_from(
    [
        (message(recipients=2),),
        (message(recipients=2, anonymous=True),),
        (message(recipients=1),),
        (message(MessageScheduled, when=-50, send_at=at(0)), message(when=9)),
        (message(MessageCancelled, when=-5), message()),
    ]
)


def _outcome(tracked: Tracked) -> tuple[dict[UUID, EngagementJudged], set[UUID]]:
    """Engagements apart from how often they were corrected, and without opens inferred in vain.

    Seconds since the send are left out too: they follow from the state of the mail known then.
    """
    return {
        key: judged.model_copy(
            update={
                "revision": 0,
                "event_id": key,
                "evidence": tuple(spoke for spoke in judged.evidence if spoke.rule != "timing.after-send"),
            }
        )
        for key, judged in tracked.final().items()
        if not judged.inferred
        or (judged.folded_into is None and judged.verdict in ("human", "proxied_human"))
    }, tracked.standing()


def _judged_alike(sends: Sequence[SendEvent], facts: Sequence[Event]) -> list[Event]:
    """Without hits within two seconds of a time that the confirmation of a scheduled mail moves: what differs
    then is corrected, but who knows both times at once has nothing to correct, and counts no revision."""
    times = {send.send_at if isinstance(send, MessageScheduled) else send.occurred_at for send in sends}
    if not any(isinstance(send, MessageScheduled) for send in sends):
        return list(facts)
    too_fast = timedelta(seconds=2)
    return [
        fact for fact in facts if not any(timedelta() <= fact.occurred_at - at < too_fast for at in times)
    ]


def _in_order(sends: Sequence[Event], facts: Sequence[Event]) -> Tracked:
    return Tracked(*sends, *sorted(facts, key=lambda event: (event.occurred_at, event.event_id)))


@pytest.mark.requirement("T9")
@settings(max_examples=300, deadline=None)
@given(SENDS, FACTS, st.data())
def test_any_order_and_repetition(
    sends: tuple[SendEvent, ...], facts: list[Event], data: st.DataObject
) -> None:
    delivered = data.draw(st.permutations([*sends, *facts, *facts[:2]]))
    assert _outcome(Tracked(*delivered)) == _outcome(_in_order(sends, facts))


@pytest.mark.requirement("T9")
@settings(max_examples=300, deadline=None)
@given(SENDS, FACTS, st.data())
def test_a_restart_anywhere(sends: tuple[SendEvent, ...], facts: list[Event], data: st.DataObject) -> None:
    """The new worker reads what was committed without a word, sends before hits, then goes on."""
    facts = _judged_alike(sends, facts)
    delivered = data.draw(st.permutations([*sends, *facts]))
    stopped = data.draw(st.integers(0, len(delivered)))
    committed = data.draw(st.integers(0, stopped))
    first = Tracked(*delivered[:stopped])
    before = delivered[:committed]
    second = Tracked(*[event for event in before if isinstance(event, SendEvent)])
    second.take(*[event for event in before if not isinstance(event, SendEvent)])
    second.told = list(first.told)
    rest = delivered[committed:]
    if data.draw(st.booleans()):  # the two topics need not come in step as they did before
        rest.sort(key=lambda event: not isinstance(event, SendEvent))
    second.take(*rest)
    assert _outcome(second) == _outcome(_in_order(sends, facts))


@pytest.mark.requirement("T9")
@settings(max_examples=100, deadline=None)
@given(FACTS)
def test_each_hit_is_counted_at_most_once(facts: list[Event]) -> None:
    final = _in_order([message(recipients=2)], facts).final()
    firsts = [judged.kind for judged in final.values() if judged.first]
    assert len(firsts) == len(set(firsts))
    for judged in final.values():
        assert judged.engagement_id == derived_id("engagement", judged.hit_id, judged.kind)
        if judged.folded_into is not None:
            assert final[judged.folded_into].folded_into is None
