"""How a client resumes, and what it is told of the time that it missed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.cursor import Cursor, epoch_of
from services.notifier.model import FEED_CHANGED, RAISED, RETRACTED, SETTINGS_CHANGED, Entry
from services.notifier.rules import Resume, Source, fold, resume
from shared.events.ids import derived_id

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EPOCH = epoch_of("here")
ABOUT = [str(derived_id("test about", number)) for number in range(3)]


def entry(offset: int, kind: str, about: str, minutes_ago: float = 0) -> Entry:
    return Entry(
        partition=0,
        offset=offset,
        at=0.0,
        type=kind,
        event_id=str(uuid4()),
        user_id=ABOUT[0],
        occurred_at=NOW - timedelta(minutes=minutes_ago),
        about=about,
        body=b"{}",
    )


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (Cursor(EPOCH, 1, 50), Resume(50, Source.RING)),
        (Cursor(EPOCH, 1, 20), Resume(20, Source.RING)),
        (Cursor(EPOCH, 1, 19), Resume(19, Source.KAFKA)),
        (Cursor(EPOCH, 1, 100), Resume(100, Source.NONE)),
        (Cursor(EPOCH, 1, 103), Resume(103, Source.NONE)),  # another replica had read further
        (Cursor(EPOCH, 1, 99_999), Resume(100, Source.NONE, "cursor_invalid")),
        (Cursor(EPOCH, 2, 50), Resume(100, Source.NONE, "cursor_invalid")),
        (Cursor(epoch_of("elsewhere"), 1, 50), Resume(100, Source.NONE, "other_epoch")),
        (None, Resume(100, Source.NONE, "cursor_invalid")),
    ],
)
def test_a_cursor_leads_to_the_ring_to_kafka_or_nowhere(cursor: Cursor | None, expected: Resume) -> None:
    assert resume(cursor, EPOCH, partition=1, floor=20, live=100) == expected


def told(entries: list[Entry]) -> list[tuple[int, int | None, int]]:
    """(cursor, offset of the event, count of the summary)"""
    return [
        (message.next_offset, message.entry.offset if message.entry else None, message.count)
        for message in fold(entries, NOW)
    ]


def test_recent_events_come_one_by_one_each_with_its_cursor() -> None:
    entries = [entry(3, RAISED, ABOUT[0], 4.9), entry(7, FEED_CHANGED, ABOUT[1]), entry(9, RAISED, ABOUT[2])]
    assert told(entries) == [(4, 3, 0), (8, 7, 0), (10, 9, 0)]


def test_old_pop_ups_are_one_summary_and_no_cursor_passes_what_it_counts() -> None:
    entries = [
        entry(2, FEED_CHANGED, ABOUT[0]),
        entry(3, RAISED, ABOUT[0], 60),
        entry(5, FEED_CHANGED, ABOUT[1]),
        entry(7, RAISED, ABOUT[1], 6),
        entry(9, RAISED, ABOUT[2], 1),
    ]
    assert told(entries) == [(3, 2, 0), (3, 5, 0), (8, None, 2), (10, 9, 0)]
    assert [message.newest for message in fold(entries, NOW)] == [(), (), (ABOUT[0], ABOUT[1]), ()]


def test_a_summary_names_only_the_newest_of_very_many() -> None:
    entries = [entry(offset, RAISED, str(UUID(int=offset)), 60) for offset in range(1, 602)]
    (summary,) = fold(entries, NOW)
    assert (summary.count, len(summary.newest)) == (601, 500)
    assert summary.newest[-1] == str(UUID(int=601))


@pytest.mark.requirement("B3")
def test_a_pop_up_that_was_taken_back_meanwhile_is_not_raised_and_not_counted() -> None:
    entries = [
        entry(1, RAISED, ABOUT[0], 60),
        entry(2, RAISED, ABOUT[1], 1),
        entry(3, RETRACTED, ABOUT[0]),
        entry(4, RETRACTED, ABOUT[1]),
    ]
    assert told(entries) == [(4, 3, 0), (5, 4, 0)]


def test_of_the_changes_of_a_row_and_of_the_settings_the_last_is_enough() -> None:
    nothing = ""
    entries = [
        entry(1, FEED_CHANGED, ABOUT[0]),
        entry(2, SETTINGS_CHANGED, nothing),
        entry(3, FEED_CHANGED, ABOUT[1]),
        entry(4, FEED_CHANGED, ABOUT[0]),
        entry(5, SETTINGS_CHANGED, nothing),
    ]
    assert told(entries) == [(4, 3, 0), (5, 4, 0), (6, 5, 0)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([RAISED, RETRACTED, FEED_CHANGED, SETTINGS_CHANGED, "of_the_future"]),
            st.sampled_from(ABOUT),
            st.sampled_from([0, 4, 6, 600]),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_a_client_that_drops_anywhere_in_a_replay_is_told_the_rest(
    drawn: list[tuple[str, str, int]], drops_after: int
) -> None:
    entries = [entry(offset, *parts) for offset, parts in enumerate(drawn)]
    whole = fold(entries, NOW)
    heard = whole[:drops_after]
    cursor = heard[-1].next_offset if heard else 0
    rest = fold([missed for missed in entries if missed.offset >= cursor], NOW)
    shown = {message.entry.offset for message in heard + rest if message.entry}
    assert shown == {message.entry.offset for message in whole if message.entry}
    counted = sum(message.count for message in heard) + sum(message.count for message in rest)
    assert counted == sum(message.count for message in whole)
    cursors = [message.next_offset for message in whole]
    assert cursors == sorted(cursors)
