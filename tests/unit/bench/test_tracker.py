"""The tracker beside its references."""

from bench.tracker import Costs, figures, hits_of, sent_message


def test_the_tracker_is_compared_with_each_reference_round_by_round() -> None:
    loop, agent = figures([Costs(40.0, 20.0, 120.0), Costs(80.0, 20.0, 80.0), Costs(50.0, 30.0, 100.0)], 1.1)
    assert (loop.name, loop.value, loop.reference) == ("tracker_vs_loop", 50.0, 20.0)
    assert (loop.ratio, loop.low, loop.high) == (0.5, 0.25, 0.6)
    assert (agent.name, agent.value, agent.reference) == ("tracker_vs_agent", 50.0, 100.0)
    assert (agent.ratio, agent.low, agent.high) == (2.0, 1.0, 3.0)


def test_without_a_count_each_message_is_hit_once() -> None:
    """Else some of the live messages were none."""
    sent = [sent_message() for _ in range(5)]
    assert [hit.message_id for hit in hits_of(sent)] == [one.message_id for one in sent]
    assert len(hits_of(sent, 12)) == 12
