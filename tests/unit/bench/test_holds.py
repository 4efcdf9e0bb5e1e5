"""Clear opens among suspicious ones: which opens are which, and what is made of the milliseconds."""

from datetime import UTC, datetime, timedelta

import pytest

from bench.holds import HOLD_S, OLD_BROWSER, Round, check_held, figure_of
from bench.push import AGENT
from bench.tracker import sent_message
from services.tracker.handlers import hit_of, sent_of
from services.tracker.judging import step
from services.tracker.model import Cursor, Judgement, Surroundings
from services.tracker.rules.rulesets import CURRENT
from shared.events.hits import Endpoint, HitRecorded
from shared.events.ids import new_id

pytestmark = pytest.mark.requirement("B3")


def judged(headers: dict[str, str]) -> Judgement:
    """The open of a mail that was sent five minutes before: time alone speaks against nobody."""
    sent = sent_message()
    event = HitRecorded(
        event_id=new_id(), occurred_at=datetime.now(UTC), account_id=sent.account_id,
        message_id=sent.message_id, endpoint=Endpoint.PIXEL, method="GET", slot=None, link_index=None,
        client_address="198.18.0.1", user_agent=headers["User-Agent"],
    )  # fmt: skip
    hit = hit_of(event, CURRENT)
    known = Surroundings(sent_of(sent)._replace(at=event.occurred_at - timedelta(minutes=5)), around=(hit,))
    _, (found,) = step(Cursor(), hit, known, CURRENT, was_inferred=False)
    return found


def test_of_the_rule_set_in_force_one_kind_is_told_at_once_and_the_other_is_held() -> None:
    """(B3) Both raise a pop-up."""
    clear, suspicious = judged(AGENT), judged(OLD_BROWSER)
    assert (clear.raises, clear.held) == (True, False)
    assert (suspicious.raises, suspicious.held) == (True, True)


def test_a_suspicious_open_that_was_told_before_its_hold_spoils_the_round() -> None:
    """(B3) Then nothing was held, and the figure would be one of clear opens alone."""
    check_held({"a": 1.0, "b": 2.0}, {"a": 1.0 + HOLD_S, "b": 2.5 + HOLD_S, "clear": 1.1})
    with pytest.raises(RuntimeError, match=r"pushed after 0\.5 s"):
        check_held({"a": 1.0, "b": 2.0}, {"a": 1.0 + HOLD_S, "b": 2.5})


def test_rounds_with_holds_are_compared_with_those_without_in_turns() -> None:
    rounds = [Round([10.0], [5.0], [2.0]), Round([20.0], [20.0], [4.0]), Round([30.0], [10.0], [6.0])]
    found = figure_of(100, rounds)
    assert (found.name, found.value, found.reference) == ("push_p99_ms_with_holds_at_100", 20.0, 10.0)
    assert (found.ratio, found.low, found.high) == (2.0, 1.0, 3.0)
    assert "bare hop's p99 4.0 ms" in found.note
    assert figure_of(500, rounds).name == "push_p99_ms_with_holds"
