"""What a replay finds in a message, and how it says so."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from services.tracker.adapters.replay_run import stopped_by_ctrl_c
from services.tracker.adapters.replay_sources import Page, Reaches
from services.tracker.adapters.replaying import Replay
from services.tracker.replay.bookmark import Bookmark, NoBookmark, SourceName
from services.tracker.replay.differences import Rules
from services.tracker.replay.summary import Summary
from services.tracker.replay_talk import show
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import CURRENT, FIRST
from shared.directory.histories import MessageHistory
from shared.events.base import Event
from shared.events.engagements import EngagementJudged
from shared.events.revocations import RevocationScope, TrackingRevoked
from tests.unit.tracker.made import ACCOUNT, MessageCancelled, MessageScheduled, at, hit, message, viewing
from tests.unit.tracker.replayed import (
    HORIZON,
    LONG_AFTER,
    Live,
    Standing,
    corrected,
    history,
    kept,
    replayed,
)

# a scanner: the picture and both links within a second; then a person, an hour later
BURST = [hit(60), hit(60.2, link=0), hit(60.4, link=1)]
PERSON = hit(3700, agent="Mozilla/5.0 (iPhone) Safari/604.1", address="203.0.113.9")


def judged_live(*events: Event) -> Standing:
    return kept(Live(FIRST).take(events).end())


@pytest.mark.requirement("B2")
def test_a_burst_turns_back_and_the_person_is_first() -> None:
    events = [message(), *BURST, PERSON]
    standing = judged_live(*events)
    assert [one.first for one in standing.values() if one.hit_id == PERSON.event_id] == [False]
    found = replayed(events, standing, CURRENT)
    after = corrected(standing, found.differences)
    by_hit = {one.hit_id: one for one in after.values() if not one.inferred}
    assert {by_hit[event.event_id].verdict.value for event in BURST} == {"machine"}
    assert by_hit[PERSON.event_id].first
    assert {one.after.revision for one in found.differences} == {1000}
    assert {one.after.ruleset_version for one in found.differences} == {CURRENT.version}
    assert {one.after.engagement_id for one in found.differences} <= standing.keys()


@pytest.mark.requirement("B2", "B7")
def test_an_open_that_is_inferred_no_more_counts_no_more() -> None:
    events = [message(), hit(60.2, link=0), hit(60.4, link=1)]
    standing = judged_live(*events)
    (opened,) = [one for one in standing.values() if one.inferred]
    after = corrected(standing, replayed(events, standing, CURRENT).differences)[opened.engagement_id]
    assert (after.inferred, after.verdict.value, after.first) == (True, "machine", False)
    assert after.evidence[0].rule == "inferred.click"


@pytest.mark.requirement("B2")
def test_what_the_tracker_may_still_judge_again_is_left_to_it() -> None:
    events = [message(), *BURST, PERSON]
    standing = judged_live(*events)
    found = replayed(events, standing, CURRENT, until=at(60.3))
    assert {one.after.hit_id for one in found.differences} == {BURST[0].event_id, BURST[1].event_id}
    assert found.left == 2


@pytest.mark.requirement("B2")
def test_hits_that_are_kept_no_longer_stay_as_they_were_judged() -> None:
    """The first open is not given away to a later one, and a click after it infers none."""
    events = [message(), hit(60), hit(90_000), hit(90_100, link=0)]
    standing = judged_live(*events)
    found = replayed([events[0], *events[2:]], standing, FIRST)
    assert found.differences == ()


@pytest.mark.requirement("B2")
def test_a_restart_between_plan_and_confirmation_of_a_scheduled_mail_leaves_nothing_wrong() -> None:
    """Which state of the mail was known when a hit was read decides nothing."""
    early, view = hit(0), viewing(0.4)
    before = [message(MessageScheduled, when=-50, send_at=at(0)), early, message(when=9)]
    first = Live(CURRENT).take(before).end()
    second = Live(CURRENT).take([before[0], before[2], early], again=True).take([view]).end()
    assert [one.revision for one in (*first, *second)] == [0, 1]
    assert replayed([*before, view], kept([*first, *second]), CURRENT).differences == ()


@pytest.mark.requirement("B2", "P3")
def test_a_replay_names_nobody_anew() -> None:
    told = [message(recipients=2, anonymous=True), *BURST]
    standing = judged_live(*told)
    found = replayed([message(recipients=2), *BURST], standing, CURRENT)
    assert found.differences
    assert {(one.after.candidates, one.after.anonymous) for one in found.differences} == {((), True)}


def test_a_hit_that_was_never_judged_is_judged() -> None:
    found = replayed([message(), PERSON], {}, CURRENT)
    (one,) = found.differences
    assert (one.before, one.after.verdict.value, one.after.revision) == (None, "human", 1000)


def test_what_is_judged_no_more_is_left_alone() -> None:
    standing = judged_live(message(), *BURST)
    cancelled = message(MessageCancelled, when=500)
    assert replayed([message(when=0), cancelled, *BURST], standing, CURRENT).differences == ()
    untracked = message(tracked=False)
    assert replayed([untracked, *BURST], standing, CURRENT).differences == ()


def test_of_two_sources_the_one_that_reaches_further_is_taken() -> None:
    """As far as that matters; the archive where both do."""
    for archive, kafka, taken in (
        (at(-100), at(-50), "archive"),
        (at(-10), at(-50), "archive"),
        (at(50), at(20), "kafka"),
        (at(20), at(50), "archive"),
        (None, at(50), "kafka"),
        (at(50), None, "archive"),
        (None, None, "archive"),
    ):
        assert Reaches(archive, kafka).further(at(0)) == taken, (archive, kafka)


class Histories:
    """A source in memory."""

    name: SourceName = "archive"

    def __init__(self, *found: MessageHistory) -> None:
        self._found = sorted(found, key=lambda one: one.place)
        self.messages = len(found)

    async def pages(self, after: str | None) -> AsyncIterator[Page]:
        for one in self._found:
            if after is None or one.place > after:
                yield Page([one], one.place, 1)


class Sent:
    """An outlet that remembers; it stops the replay after so many times."""

    def __init__(self, stopping: asyncio.Event, after: int) -> None:
        self.corrections: list[EngagementJudged] = []
        self._stopping, self._left = stopping, after

    async def send(self, corrections: list[EngagementJudged]) -> None:
        self.corrections += corrections
        self._left -= 1
        if not self._left:
            self._stopping.set()


def _of_mail() -> MessageHistory:
    mail = uuid4()
    events = [message(message_id=mail), *(hit(60 + n / 5, link=n, message_id=mail) for n in range(3))]
    found = history(events, kept(Live(FIRST).take(events).end()))
    return found.model_copy(update={"message_id": mail})


def _nothing(_: int) -> None:
    """No progress is shown."""


def _bookmark() -> Bookmark:
    return Bookmark(since=at(0), until=LONG_AFTER, ruleset=CURRENT.version, source="archive")


@pytest.mark.requirement("B2")
async def test_interrupted_it_goes_on_behind_the_last_mail_that_is_done(tmp_path: Path) -> None:
    """Each correction is sent once, and none is left out."""
    source, rules = Histories(*(_of_mail() for _ in range(5))), Rules(CURRENT, HORIZON, LONG_AFTER)
    state, stopping = tmp_path / "state.json", asyncio.Event()
    first = Sent(stopping, after=2)
    looked_at: list[int] = []
    replay = Replay(source, rules, Revocations(), stopping, looked_at.append)
    bookmark, summary = await replay.send(_bookmark(), state, first, at_once=1)
    assert Bookmark.read(state) == bookmark
    assert (summary.messages, bookmark.sent) == (2, len(first.corrections))
    second = Sent(asyncio.Event(), after=99)
    again = Replay(source, rules, Revocations(), asyncio.Event(), looked_at.append)
    bookmark, _ = await again.send(Bookmark.read(state), state, second, at_once=1)
    whole = Sent(asyncio.Event(), after=99)
    await again.send(_bookmark(), tmp_path / "other", whole)
    assert [*first.corrections, *second.corrections] == whole.corrections
    assert bookmark.sent == len(whole.corrections) > 10
    assert len({one.event_id for one in whole.corrections}) == len(whole.corrections)


async def test_ctrl_c_stops_between_two_mails_and_only_meanwhile() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stopped_by_ctrl_c() as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(5):
            await stopping.wait()
        rules = Rules(CURRENT, HORIZON, LONG_AFTER)
        replay = Replay(Histories(_of_mail()), rules, Revocations(), stopping, _nothing)
        assert (await replay.compare()).messages == 0
    afterwards = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)
    assert afterwards is signal.default_int_handler  # the question whether to send ends at once


@pytest.mark.requirement("P4", "A4")
@pytest.mark.parametrize("scope", RevocationScope)
async def test_what_is_revoked_is_left_alone(scope: RevocationScope) -> None:
    source, revocations = Histories(_of_mail()), Revocations()
    subject = ACCOUNT if scope is RevocationScope.ACCOUNT else source._found[0].message_id
    revocations.apply(
        TrackingRevoked(
            event_id=uuid4(),
            occurred_at=at(1),
            account_id=ACCOUNT,
            scope=scope,
            subject_id=subject,
            reason="legal_basis_withdrawn",
        )
    )
    replay = Replay(source, Rules(CURRENT, HORIZON, LONG_AFTER), revocations, asyncio.Event(), _nothing)
    summary = await replay.compare()
    assert (summary.revoked, summary.messages, summary.corrections) == (1, 0, 0)


def test_an_unusable_bookmark_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoBookmark, match="no replay was interrupted"):
        Bookmark.read(tmp_path / "none")
    (tmp_path / "broken").write_text("{")
    with pytest.raises(NoBookmark, match="begin anew"):
        Bookmark.read(tmp_path / "broken")


@pytest.mark.requirement("B2")
def test_the_table_says_what_becomes_of_verdicts_rules_and_mails() -> None:
    summary = Summary()
    for events in ([message(), *BURST], [message(), *BURST, PERSON], [message(), PERSON]):
        summary.add(replayed(events, judged_live(*events), CURRENT))
    assert (summary.messages, summary.closed, summary.opened) == (3, 1, 0)
    shown = StringIO()
    show(summary, Console(file=shown, width=100))
    text = " ".join(shown.getvalue().replace("│", " ").split())
    assert "human 8 2 -6" in text
    assert "machine 0 6 +6" in text
    assert "bursts.links-at-once 4" in text
    assert "3 mails, 7 corrections: 1 mail from Opened to Sent, 0 from Sent to Opened" in text
    assert summary.printable()["verdicts"]["machine"] == {"before": 0, "after": 6}
