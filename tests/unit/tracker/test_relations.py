"""What is seen across messages: scanners that go through many mails, older mails shown with newer ones."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tracker import handlers
from services.tracker.model import Judged
from services.tracker.outputs import events_of
from services.tracker.related import RelatedHits
from services.tracker.relations import MOST_GROUPS, MOST_NOTES, Note, Notes, Relations
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import CURRENT, FIRST, RuleSet
from services.tracker.shard import Shard
from services.tracker.state import MOST_HITS, MessageState
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.hits import HitRecorded, HitRelated
from shared.events.ids import derived_id
from shared.events.notifications import NotificationRaised, NotificationRetracted
from shared.events.sends import MessageScheduled
from tests.unit.tracker.made import (
    CHROME,
    FIREFOX,
    GMAIL_PREFETCH,
    GOOGLE_ADDRESS,
    GOOGLE_PROXY,
    OTHER_ADDRESS,
    SENT_AT,
    YAHOO_PROXY,
    Tracked,
    at,
    hit,
    message,
    related,
    viewing,
)

HOLD = timedelta(seconds=8)
NOW = at(2000)
OLD, NEW, THIRD, FOURTH = (derived_id("made", name) for name in ("old", "new", "third", "fourth"))
MAILS = (OLD, NEW, THIRD, FOURTH)
ANOTHER_ACCOUNT = derived_id("made", "another account")
THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"
APPLES_RELAY = "172.224.226.1"


class Live:
    """A tracker's own circle: what it tells to email.hits it reads after all that it was given."""

    def __init__(self, *, hold: timedelta = HOLD, rules: RuleSet = CURRENT) -> None:
        self.shard = Shard(lambda _: None, timedelta(hours=24), most=1000, hold=hold, rules=rules)
        self.relations = Relations()
        self.told: list[Event] = []
        self.related: list[HitRelated] = []

    def take(self, *events: Event) -> "Live":
        """Read them now, in this order."""
        waiting = list(events)
        while waiting:
            event = waiting.pop(0)
            changes = handlers.handle(self.shard, Revocations(), event, NOW, again=False)
            self._tell(changes)
            for judged in self.shard.take_judged():
                seen = self.relations.note(judged, NOW) if self.shard.rules.relates else []
                self.related += seen
                waiting += seen
        return self

    def release(self) -> "Live":
        self._tell(self.shard.release(at(10_000_000)))
        return self

    def _tell(self, changes: Iterable[handlers.Change]) -> None:
        self.told += [event for change in changes for event in events_of(change)]

    def seen(self) -> set[tuple[UUID, str, int]]:
        return {(one.hit_id, one.rule, one.value) for one in self.related}

    def verdict(self, of: HitRecorded) -> str:
        """The last word on an open or a click."""
        judged = [
            one
            for one in self.told
            if isinstance(one, EngagementJudged) and one.hit_id == of.event_id and not one.inferred
        ]
        return max(judged, key=lambda one: one.revision).verdict

    def pop_ups(self) -> tuple[int, int]:
        """Raised and retracted."""
        raised = sum(isinstance(event, NotificationRaised) for event in self.told)
        return raised, sum(isinstance(event, NotificationRetracted) for event in self.told)


def _sends(**thread: str | None) -> list[Event]:
    """Four mails, a minute between them; keywords name the thread of some."""
    names = dict(zip(("old", "new", "third", "fourth"), MAILS, strict=True))
    return [
        message(when=60 * place, message_id=mail, provider_thread_id=thread.get(name))
        for place, (name, mail) in enumerate(names.items())
    ]


def _over(*times: float, **client: str | None) -> list[HitRecorded]:
    """The n-th mail's picture at the n-th time."""
    return [hit(when, message_id=mail, **client) for when, mail in zip(times, MAILS, strict=False)]  # type: ignore[arg-type]


@pytest.mark.requirement("B1", "B3")
def test_a_client_that_fetches_three_mails_within_ten_seconds_is_a_machine() -> None:
    hits = _over(1000, 1004, 1010)
    live = Live().take(*_sends(), *hits)
    assert live.seen() == {(one.event_id, "bursts.many-mails", 3) for one in hits}
    assert [live.verdict(one) for one in hits] == ["machine"] * 3


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(
    "hits",
    [
        _over(1000, 1004),
        _over(1000, 1004, 1010.1),
        _over(1000, 1009, 1018),  # near the second, but not together
        [*_over(1000, 1001), hit(1002, message_id=THIRD, agent=FIREFOX)],
        [*_over(1000, 1001), hit(1002, message_id=THIRD, address="192.0.2.1")],
        [*_over(1000, 1001), hit(1002, message_id=THIRD).model_copy(update={"account_id": ANOTHER_ACCOUNT})],
        _over(1000, 1001, 1002, address=None),
        _over(1000, 1001, 1002, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS),
        _over(1000, 1001, 1002, agent=YAHOO_PROXY),
        _over(1000, 1001, 1002, agent=GMAIL_PREFETCH, address=GOOGLE_ADDRESS),
        _over(1000, 1001, 1002, agent=THUNDERBIRD),
        _over(1000, 1001, 1002, address=APPLES_RELAY),
        [hit(when, message_id=OLD, link=link) for when, link in ((1000, 0), (1002, 1), (1004, 2))],
    ],
    ids=[
        "two mails",
        "longer than ten seconds",
        "never three at once",
        "another agent",
        "another address",
        "another account",
        "no address",
        "Google's proxy",
        "Yahoo's proxy",
        "prefetched",
        "a mail program",
        "Apple's relays",
        "one mail",
    ],
)
def test_nobody_else_is_taken_for_a_scanner_of_many_mails(hits: list[HitRecorded]) -> None:
    sends = _sends()
    if hits[-1].account_id == ANOTHER_ACCOUNT:
        sends[2] = sends[2].model_copy(update={"account_id": ANOTHER_ACCOUNT})
    assert Live().take(*sends, *hits).related == []


@pytest.mark.requirement("B1", "B5")
def test_the_mails_of_one_thread_count_as_one() -> None:
    """A page that shows a thread loads the pictures of all its mails, for a person."""
    hits = _over(1000, 1000.2, 1000.4)
    live = Live().take(*_sends(old="t", new="t", third="t"), *hits)
    assert [live.verdict(one) for one in hits] == ["older_message", "older_message", "human"]
    two_more = Live().take(*_sends(old="t", new="t"), *_over(1000, 1000.2, 1000.4, 1000.6))
    assert {rule for _, rule, _ in two_more.seen()} == {"bursts.many-mails", "threads.older-message"}


@pytest.mark.requirement("B1")
def test_later_hits_of_a_burst_are_told_of_and_each_hit_once() -> None:
    hits = [*_over(1000, 1001, 1002, 1003), hit(1004, message_id=OLD, link=0)]
    live = Live().take(*_sends(), *hits)
    assert [one.hit_id for one in live.related] == [one.event_id for one in hits]
    assert [one.value for one in live.related] == [3, 3, 3, 4, 4]


@pytest.mark.requirement("B3")
def test_a_burst_over_mails_within_the_hold_raises_nothing() -> None:
    """The pictures come seconds after the send, one by one: each is held, none is told as opened."""
    sends = [message(message_id=mail) for mail in MAILS]
    live = Live().take(*sends, *_over(20, 22, 24)).release()
    assert live.pop_ups()[0] == 0
    assert {one.verdict for one in live.told if isinstance(one, EngagementJudged)} == {"machine"}


@pytest.mark.requirement("B3", "T9")
def test_a_pop_up_that_was_raised_before_the_burst_showed_is_retracted() -> None:
    hits = _over(1000, 1004, 1008)
    assert Live().take(*_sends(), *hits).pop_ups() == (3, 3)


_LAST_THREE = ((1504, NEW), (1509, THIRD), (1512, FOURTH))


def _thread(old_at: float, new_at: float, *, agent: str = CHROME, **client: str | None) -> list[HitRecorded]:
    return [
        hit(old_at, message_id=OLD, agent=agent, **client),  # type: ignore[arg-type]
        hit(new_at, message_id=NEW, agent=agent, **client),  # type: ignore[arg-type]
    ]


@pytest.mark.requirement("B1", "B5")
@pytest.mark.parametrize("is_reversed", [False, True], ids=["old first", "new first"])
@pytest.mark.parametrize(
    ("old_at", "new_at", "seconds"), [(1000, 1000.2, 0), (1003, 1000, 3), (1000, 1010, 10)]
)
def test_an_older_message_shown_with_a_newer_one(
    old_at: float, new_at: float, seconds: int, is_reversed: bool
) -> None:
    old, new = _thread(old_at, new_at, agent=GOOGLE_PROXY, address=GOOGLE_ADDRESS)
    hits = (new, old) if is_reversed else (old, new)
    live = Live().take(*_sends(old="t", new="t"), *hits)
    assert live.seen() == {(old.event_id, "threads.older-message", seconds)}
    assert (live.verdict(old), live.verdict(new)) == ("older_message", "proxied_human")
    assert live.pop_ups() == (2, 1)


@pytest.mark.requirement("B1", "B5")
@pytest.mark.parametrize(
    ("sends", "hits"),
    [
        (_sends(), _thread(1000, 1001)),
        (_sends(old="t", new="u"), _thread(1000, 1001)),
        (_sends(old="t", new="t"), _thread(1000, 1010.1)),
        (_sends(old="t", new="t"), [hit(1000, message_id=OLD), hit(1001, message_id=NEW, agent=FIREFOX)]),
        (
            _sends(old="t", new="t"),
            [hit(1000, message_id=OLD), hit(1001, message_id=NEW, address="192.0.2.1")],
        ),
        (_sends(old="t", new="t"), [hit(1000, message_id=OLD, link=0), hit(1001, message_id=NEW)]),
        (_sends(old="t", new="t"), [hit(1000, message_id=OLD), hit(1001, message_id=NEW, link=0)]),
        (_sends(old="t", new="t"), _thread(1000, 1001, agent=GMAIL_PREFETCH, address=GOOGLE_ADDRESS)),
        (_sends(old="t", new="t"), [hit(1000, message_id=OLD), hit(1001, message_id=OLD, name=1)]),
        ([message(message_id=m, provider_thread_id="t") for m in MAILS], _thread(1000, 1001)),
    ],
    ids=[
        "no thread",
        "two threads",
        "more than ten seconds apart",
        "another agent",
        "another address",
        "the older one was clicked",
        "the newer one was clicked",
        "prefetched",
        "one message",
        "sent together",
    ],
)
def test_an_open_of_its_own(sends: list[Event], hits: list[HitRecorded]) -> None:
    assert Live().take(*sends, *hits).related == []


@pytest.mark.requirement("B1", "B5")
def test_threads_of_two_accounts_are_two() -> None:
    sends = _sends(old="t", new="t")
    sends[1] = sends[1].model_copy(update={"account_id": ANOTHER_ACCOUNT})
    assert Live().take(*sends, *_thread(1000, 1001)).related == []


@pytest.mark.requirement("T9")
def test_a_hit_that_waited_for_its_message_is_seen_when_it_is_judged() -> None:
    sends, hits = _sends(), _over(1000, 1001, 1002)
    live = Live().take(*sends[:2], *hits)
    assert live.related == []
    assert live.take(*sends[2:]).seen() == {(one.event_id, "bursts.many-mails", 3) for one in hits}


@pytest.mark.requirement("T9")
def test_a_hit_that_is_not_judged_is_not_seen() -> None:
    """Before the time of a scheduled mail nothing is."""
    later = [message(MessageScheduled, when=-5, send_at=at(5000), message_id=mail) for mail in MAILS]
    assert Live().take(*later, *_over(1000, 1001, 1002)).related == []


@pytest.mark.requirement("T9")
def test_what_is_read_again_is_not_noted() -> None:
    live = Live()
    for event in (*_sends(), *_over(1000, 1001, 1002)):
        handlers.handle(live.shard, Revocations(), event, event.occurred_at, again=True)
    assert live.shard.take_judged() == []


@pytest.mark.requirement("B2")
def test_the_first_rule_set_looks_at_no_other_message() -> None:
    hits = _over(1000, 1001, 1002)
    live = Live(rules=FIRST).take(*_sends(), *hits, *(related(one, "bursts.many-mails", 3) for one in hits))
    assert live.related == []
    assert {live.verdict(one) for one in hits} == {"human"}


@pytest.mark.requirement("T9", "B1", "B5")
@settings(max_examples=200, deadline=None)
@given(st.permutations([*_thread(1000, 1003), *_over(1500, 1504, 1509, 1512)]))
def test_whichever_comes_first(hits: list[HitRecorded]) -> None:
    """Two opens of a thread, and later a burst whose last hit is near enough to two others alone."""
    live = Live().take(*_sends(old="t", new="t", third="u", fourth="v"), *hits)
    assert {(hit_id, rule) for hit_id, rule, _ in live.seen()} == {
        (hit(1000, message_id=OLD).event_id, "threads.older-message"),
        (hit(1500, message_id=OLD).event_id, "threads.older-message"),
        *((hit(when, message_id=mail).event_id, "bursts.many-mails") for when, mail in _LAST_THREE),
    }


@pytest.mark.requirement("T9", "B1")
@settings(max_examples=200, deadline=None)
@given(st.permutations(_over(1000, 1004, 1008, 1013)))
def test_a_burst_in_any_order_of_arrival(hits: list[HitRecorded]) -> None:
    """The last lies within ten seconds of two others alone: it is part of the second span."""
    live = Live().take(*_sends(), *hits)
    assert {hit_id for hit_id, _, _ in live.seen()} == {one.event_id for one in hits}


@pytest.mark.requirement("B1", "B4")
def test_an_own_view_is_the_stronger_word() -> None:
    old, new = _thread(1000, 1001)
    live = Live().take(*_sends(old="t", new="t"), viewing(1001, message_id=OLD), old, new)
    assert live.verdict(old) == "self"
    assert live.seen() == {(old.event_id, "threads.older-message", 1)}


@pytest.mark.requirement("B1")
def test_the_evidence_is_that_of_the_rules_and_is_kept_to_what_it_may_be_about() -> None:
    opened, clicked, declared = hit(1000), hit(1100, link=0), hit(1200, agent="curl/8.5")
    tracked = Tracked(message(), opened, clicked, declared)
    tracked.take(*(related(one, "threads.older-message", 4) for one in (opened, clicked, declared)))
    verdicts = [tracked.judged(one).verdict for one in (opened, clicked, declared)]
    assert verdicts == ["older_message", "human", "machine"]
    spoke = tracked.judged(opened).evidence[0]
    assert (spoke.rule, spoke.values, tracked.judged(opened).confidence) == (
        "threads.older-message",
        {"seconds": 4},
        0.8,
    )
    assert tracked.judged(declared).evidence[0].rule == "agents.declared"


@pytest.mark.requirement("B1", "T9")
def test_only_the_hit_concerned_is_judged_again_and_the_stronger_word_stays() -> None:
    first, second = hit(1000), hit(9000)
    tracked = Tracked(message(), first, second)
    told = tracked.take(related(second, "bursts.many-mails", 3))
    judged = [one for one in told if isinstance(one, EngagementJudged)]
    assert [(one.hit_id, one.verdict, one.revision) for one in judged] == [(second.event_id, "machine", 1)]
    assert judged[0].evidence[0].values == {"mails": 3}
    assert tracked.take(related(second, "bursts.many-mails", 3)) == []
    assert tracked.take(related(second, "bursts.many-mails", 2)) == []
    assert tracked.take(related(second, "threads.older-message", 2)) == []  # bursts come first
    (stronger,) = tracked.take(related(second, "bursts.many-mails", 5))
    assert isinstance(stronger, EngagementJudged)
    assert stronger.evidence[0].values == {"mails": 5}


@pytest.mark.requirement("T9")
def test_what_is_known_of_hits_is_bounded_and_goes_with_them() -> None:
    state = MessageState(OLD, handlers.sent_of(message(message_id=OLD)))
    for number in range(MOST_HITS + 50):
        event = related(hit(number, name=number))
        state.put_related(handlers.Related(event.occurred_at, event.hit_id, event.rule, event.value))
    assert isinstance(state.related, RelatedHits)
    assert len(state.related) == MOST_HITS
    assert not state.related.of(hit(49, name=49).event_id)
    assert state.related.of(hit(50, name=50).event_id) == {"threads.older-message": 0}
    state.settle(before=SENT_AT + timedelta(seconds=MOST_HITS + 40))
    assert len(state.related) == 10


def _note(when: float, mail: UUID | None = None) -> Note:
    """Of a mail of its own by default."""
    mail = mail or uuid4()
    event = hit(when, message_id=mail, name=uuid4())
    return Note(Judged(mail, handlers.hit_of(event, CURRENT), handlers.sent_of(message(message_id=mail))))


@pytest.mark.requirement("B1")
def test_memory_is_bounded() -> None:
    notes = Notes()
    for number in range(MOST_GROUPS + 5):
        notes.add(number, _note(0), at(0))
    assert len(notes) == MOST_GROUPS
    assert len(notes.add(5, _note(0), at(0))) == 2  # the first five are gone; this one has been used since
    notes.add("a client", _note(0), at(0))
    assert len(notes.add(5, _note(0), at(0))) == 3
    for number in range(3 * MOST_NOTES):
        kept = notes.add("one client", _note(number / 100), at(0))
    assert [note.hit.at for note in kept] == [at(n / 100) for n in range(2 * MOST_NOTES, 3 * MOST_NOTES)]
    assert notes.add("one client", _note(-1), at(0)) == kept  # too old to be remembered
    assert len(notes.add("another", _note(0), at(60))) == 1
    assert len(notes) == MOST_GROUPS
    notes.add("another", _note(0), at(60.1))
    assert len(notes) == 1


@pytest.mark.requirement("B1")
def test_the_same_mail_again_within_a_second_is_no_news() -> None:
    notes = Notes()
    for when in (0, 0.6, 1.0):
        near = notes.add("a client", _note(when, OLD), at(0))
    assert near == ()
    assert len(notes.add("a client", _note(1.1, OLD), at(0))) == 2
    assert len(notes.add("a client", _note(0.5, NEW), at(0))) == 3


@pytest.mark.requirement("B1", "B5", "T9")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_newer_mail_that_is_loaded_again_explains_the_older_in_any_order(order: tuple[int, ...]) -> None:
    """The repetition alone lies within seconds of the older picture."""
    newer = [hit(when, message_id=NEW, name="newer") for when in (1000, 1009)]
    older = hit(1015, message_id=OLD, name="older")
    hits = [[*newer, older][place] for place in order]
    assert [one.hit_id for one in Live().take(*_sends(old="t", new="t"), *hits).related] == [older.event_id]


@pytest.mark.requirement("B1")
def test_a_clients_flood_on_one_mail_pushes_out_no_other_client() -> None:
    sends, hits = _sends(), _over(1000, 1001, 1002)
    flood = [hit(1001 + n / 1000, message_id=OLD, agent=FIREFOX, name=n) for n in range(200)]
    assert len(Live().take(*sends, *hits[:2], *flood, hits[2]).related) == 3


def test_a_scheduled_mail_is_as_old_as_its_time() -> None:
    scheduled = message(MessageScheduled, when=-5000, send_at=at(500), message_id=OLD, provider_thread_id="t")
    sent = message(when=60, message_id=NEW, provider_thread_id="t")
    old, new = _thread(1000, 1001)
    assert {one[0] for one in Live().take(scheduled, sent, old, new).seen()} == {new.event_id}


def test_the_first_address_is_one_of_a_client() -> None:
    """What the counter-examples above differ from."""
    assert Live().take(*_sends(), *_over(1000, 1001, 1002, address=OTHER_ADDRESS)).related
