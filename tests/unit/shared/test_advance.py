"""What counts as progress of the stream."""

from shared.health.advance import Advance


def test_nothing_waiting_is_progress() -> None:
    advance: Advance[str] = Advance()
    advance.hold(["a"])
    advance.begin("a", 7)
    assert advance.look({"a": 7})
    assert advance.look({"a": 7})


def test_waiting_events_and_a_still_position_are_none() -> None:
    advance: Advance[str] = Advance()
    advance.hold(["a", "b"])
    advance.begin("a", 7)
    advance.begin("b", 0)
    assert advance.look({"a": 9, "b": 0})
    assert not advance.look({"a": 9, "b": 0})
    advance.done("a", 8)
    assert advance.look({"a": 9, "b": 0})
    assert not advance.look({"a": 9, "b": 0})


def test_reading_begins_once_and_goes_on_by_what_is_done() -> None:
    advance: Advance[str] = Advance()
    advance.hold(["a"])
    advance.begin("a", 3)
    advance.begin("a", 8)  # fetched further, not done further
    assert advance.lag({"a": 9}) == {"a": 6}
    advance.done("a", 5)
    assert advance.lag({"a": 9}) == {"a": 4}


def test_another_members_partition_counts_no_more() -> None:
    advance: Advance[str] = Advance()
    advance.hold(["a"])
    advance.begin("a", 0)
    advance.release(["a"])
    advance.done("a", 4)
    assert advance.lag({"a": 9}) == {}
    assert advance.held() == []


def test_a_position_past_the_end_means_another_log() -> None:
    advance: Advance[str] = Advance()
    advance.hold(["a"])
    advance.begin("a", 5)
    assert not advance.beyond({"a": 5})
    assert advance.beyond({"a": 0})
