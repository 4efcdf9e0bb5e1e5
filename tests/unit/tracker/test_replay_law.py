"""Live run and replay give the same ids and verdicts, however the events were delivered (B2, T9)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tracker.rules.rulesets import CURRENT, FIRST, RuleSet
from shared.events.base import Event
from shared.events.sends import MessageScheduled, SendEvent
from tests.unit.tracker.replayed import Live, Standing, corrected, kept, outcome, replayed
from tests.unit.tracker.test_order import FACTS, SENDS

_RULES = st.sampled_from([FIRST, CURRENT])
_HOLDS = st.sampled_from([timedelta(), timedelta(seconds=8)])


def _live(rules: RuleSet, events: Sequence[Event], data: st.DataObject) -> Standing:
    """Shuffled, with repetitions, and a restart somewhere: what was committed is read again, sends before
    hits, without a word; what was told and not committed is told again."""
    hold = data.draw(_HOLDS)
    delivered = data.draw(st.permutations([*events, *events[-2:]]))
    is_scheduled = any(isinstance(event, MessageScheduled) for event in events)
    stopped = 0 if is_scheduled else data.draw(st.integers(0, len(delivered)))  # state.py: the one exception
    committed = data.draw(st.integers(0, stopped))
    first = Live(rules, hold).take(delivered[:stopped]).end()
    before = sorted(delivered[:committed], key=lambda event: not isinstance(event, SendEvent))
    second = Live(rules, hold).take(before, again=True).take(delivered[committed:]).end()
    return kept([*first, *second])


def _in_order(rules: RuleSet, events: Sequence[Event]) -> Standing:
    by_time = sorted(
        events, key=lambda event: (not isinstance(event, SendEvent), event.occurred_at, event.event_id)
    )
    return kept(Live(rules).take(by_time).end())


@pytest.mark.requirement("B2", "T9")
@settings(max_examples=300, deadline=None)
@given(SENDS, FACTS, _RULES, st.data())
def test_a_replay_by_the_same_rules_changes_nothing(
    sends: Any, facts: list[Event], rules: RuleSet, data: st.DataObject
) -> None:
    events = [*sends, *facts]
    standing = _live(rules, events, data)
    found = replayed(events, standing, rules)
    assert found.differences == ()
    assert outcome(kept(Live(rules).take(events).end())).keys() == outcome(standing).keys()


@pytest.mark.requirement("B2", "T9")
@settings(max_examples=300, deadline=None)
@given(SENDS, FACTS, st.permutations([FIRST, CURRENT]), st.data())
def test_a_replay_by_other_rules_gives_what_a_live_run_by_them_gives(
    sends: Any, facts: list[Event], rules: list[RuleSet], data: st.DataObject
) -> None:
    """A second one changes nothing, what the live run tells late undoes nothing, and going back undoes it."""
    events, (old, new) = [*sends, *facts], rules
    standing = _live(old, events, data)
    after = corrected(standing, replayed(events, standing, new).differences)
    assert outcome(after) == outcome(_in_order(new, events))
    assert replayed(events, after, new).differences == ()
    late = kept(_live(old, events, data).values(), after)
    assert outcome(late) == outcome(after)
    back = corrected(after, replayed(events, after, old).differences)
    assert outcome(back) == outcome(standing)
