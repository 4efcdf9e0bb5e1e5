"""Which notifications come up, and which are only counted (B8)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifier.model import Entry, read_entry
from services.notifier.policy import Policies, Silence, is_quiet
from services.notifier.rules import fold
from shared.events.codec import encode
from shared.events.ids import derived_id
from shared.events.notification_policies import (
    MessageMuteChanged,
    NotificationPolicyChanged,
    OpensWanted,
    QuietHours,
)
from shared.events.notifications import (
    FeedChanged,
    NotificationKind,
    NotificationRaised,
    NotificationRetracted,
)

pytestmark = pytest.mark.requirement("B8")
NOW = datetime(2026, 11, 4, 10, 0, tzinfo=UTC)  # a Wednesday
USER, OTHER = derived_id("test", "user"), derived_id("test", "other user")
MAIL, ANOTHER = derived_id("test", "mail"), derived_id("test", "another mail")
BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
NIGHT = QuietHours(days=(1, 2, 3, 4, 5, 6, 7), begin=22 * 60, end=7 * 60)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def head(at: datetime = NOW, user: UUID = USER) -> dict[str, Any]:
    return {
        "event_id": derived_id("test", at, user),
        "occurred_at": at,
        "account_id": derived_id("test", "account"),
        "user_id": user,
    }


def policy(version: int = 1, **wishes: Any) -> NotificationPolicyChanged:
    return NotificationPolicyChanged(**head(), version=version, **wishes)


def mute(version: int = 1, **fields: Any) -> MessageMuteChanged:
    return MessageMuteChanged(**{**head(), "message_id": MAIL, "version": version, "muted": True, **fields})


def raised(at: datetime = NOW, user: UUID = USER, **fields: Any) -> Entry:
    about: dict[str, Any] = {
        "kind": NotificationKind.OPENED,
        "message_id": MAIL,
        "candidates": (0,),
        "notification_id": derived_id("test", "notification", at, str(fields)),
    }
    event = NotificationRaised(**head(at, user), **{**about, **fields})
    return read_entry(0, int(at.timestamp()), at.timestamp(), encode(event))


def said(
    *events: NotificationPolicyChanged | MessageMuteChanged, entry: Entry, now: datetime = NOW
) -> Silence | None:
    policies = Policies()
    for event in events:
        policies.apply(event)
    return policies.silence(entry, now)


CLICK, TEST, REFUSED = NotificationKind.CLICKED, NotificationKind.TEST, NotificationKind.LOG_REFUSED
LAST_WEEK = NOW - timedelta(days=7)


@pytest.mark.parametrize(
    ("wishes", "fields", "expected"),
    [
        ({}, {}, None),
        ({}, {"kind": CLICK}, None),
        ({"opens": OpensWanted.FIRST}, {"first": True}, None),
        ({"opens": OpensWanted.FIRST}, {}, "not_first"),
        ({"opens": OpensWanted.FIRST}, {"kind": CLICK}, None),
        ({"clicks": False}, {"kind": CLICK, "first": True}, "clicks_off"),
        ({"clicks": False}, {}, None),
        ({"opens": OpensWanted.AFTER_PAUSE, "pause_days": 7}, {"first": True}, None),
        ({"opens": OpensWanted.AFTER_PAUSE, "pause_days": 7}, {"previous_at": LAST_WEEK}, None),
        (
            {"opens": OpensWanted.AFTER_PAUSE, "pause_days": 7},
            {"previous_at": LAST_WEEK + timedelta(seconds=1)},
            "reopened_too_soon",
        ),
        ({"opens": OpensWanted.AFTER_PAUSE, "pause_days": 7}, {}, None),
        ({"opens": OpensWanted.FIRST, "clicks": False}, {"kind": REFUSED}, None),
    ],
)
def test_what_comes_up_of_opens_and_clicks(
    wishes: dict[str, Any], fields: dict[str, Any], expected: Silence | None
) -> None:
    assert said(policy(**wishes), entry=raised(**fields)) == expected


def test_nothing_is_silent_for_others_and_nothing_but_notifications_is() -> None:
    policies = Policies()
    for event in (policy(opens=OpensWanted.FIRST, clicks=False, quiet_hours=(NIGHT,)), mute()):
        policies.apply(event)
    assert policies.silence(raised(user=OTHER), NOW) is None
    retracted = NotificationRetracted(
        **head(), notification_id=USER, message_id=MAIL, engagement_id=USER, rule="x"
    )
    for event_ in (retracted, FeedChanged(**head(), message_id=MAIL)):
        assert policies.silence(read_entry(0, 1, 0, encode(event_)), NOW) is None


@pytest.mark.parametrize(
    ("muted", "fields", "expected"),
    [
        ({"muted": True}, {}, "muted"),
        ({"muted": True}, {"kind": CLICK}, "muted"),
        ({"muted": True}, {"candidates": ()}, "muted"),
        ({"muted": True}, {"message_id": ANOTHER}, None),
        ({"muted": True}, {"kind": TEST, "message_id": None}, None),
        ({"muted": True}, {"kind": REFUSED}, None),
        ({"muted": False, "slots": (0, 2)}, {"candidates": (0,)}, "muted"),
        ({"muted": False, "slots": (0, 2)}, {"candidates": (2, 0)}, "muted"),
        ({"muted": False, "slots": (0, 2)}, {"candidates": (0, 1)}, None),
        ({"muted": False, "slots": (0, 2)}, {"candidates": (0, 1, 2)}, None),
        ({"muted": False, "slots": (0, 2)}, {"candidates": ()}, None),  # anonymous: it may have been anybody
        ({"muted": False}, {}, None),
    ],
)
def test_a_muted_mail_and_muted_recipients(
    muted: dict[str, Any], fields: dict[str, Any], expected: Silence | None
) -> None:
    """Silent only if everybody who may have been it is muted."""
    assert said(mute(**muted), entry=raised(**fields)) == expected


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_one_candidate_who_is_not_muted_is_enough(slots: set[int], candidates: set[int]) -> None:
    entry = raised(candidates=tuple(candidates))
    silent = said(mute(muted=False, slots=tuple(slots)), entry=entry) == "muted"
    assert silent == (bool(candidates) and not candidates - slots)


def test_the_last_word_counts_in_whatever_order_it_comes() -> None:
    words = [
        policy(1, opens=OpensWanted.FIRST),
        policy(2, clicks=False),
        policy(3),
        mute(1),
        mute(2, muted=False),
        mute(3, muted=False, slots=(1,)),
    ]
    for order in permutations(words):
        policies = Policies()
        for event in order:
            policies.apply(event)
        assert [
            policies.silence(one, NOW) for one in (raised(), raised(kind=CLICK), raised(candidates=(1,)))
        ] == [None, None, "muted"]


def test_the_same_again_after_the_broker_was_replaced_changes_nothing() -> None:
    events = (policy(2, clicks=False), mute(3), policy(1), mute(2, muted=False))
    assert said(*events, *events, entry=raised(kind=CLICK, message_id=ANOTHER)) == "clicks_off"
    assert said(*events, *events, entry=raised()) == "muted"


def local(zone: str, *moment: int, fold_: int = 0) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold_)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("zone", "moment", "quiet"),
    [
        # The clocks of Berlin go from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
        (BERLIN, datetime(2026, 3, 28, 20, 59, tzinfo=UTC), False),  # 21:59
        (BERLIN, datetime(2026, 3, 28, 21, 0, tzinfo=UTC), True),  # 22:00
        (
            BERLIN,
            datetime(2026, 3, 29, 4, 59, tzinfo=UTC),
            True,
        ),  # 06:59, an hour earlier than the day before
        (BERLIN, datetime(2026, 3, 29, 5, 0, tzinfo=UTC), False),  # 07:00
        (BERLIN, datetime(2026, 3, 29, 20, 0, tzinfo=UTC), True),  # 22:00
        (BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),  # 02:30 for the first time
        (BERLIN, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),  # 02:30 for the second time
        (BERLIN, datetime(2026, 10, 25, 5, 59, tzinfo=UTC), True),  # 06:59
        (BERLIN, datetime(2026, 10, 25, 6, 0, tzinfo=UTC), False),  # 07:00
        # New York: 2026-03-08 and 2026-11-01.
        (NEW_YORK, datetime(2026, 3, 8, 10, 59, tzinfo=UTC), True),  # 06:59 EDT
        (NEW_YORK, datetime(2026, 3, 8, 11, 0, tzinfo=UTC), False),
        (NEW_YORK, datetime(2026, 11, 1, 11, 59, tzinfo=UTC), True),  # 06:59 EST
        (NEW_YORK, datetime(2026, 11, 1, 12, 0, tzinfo=UTC), False),
        (TOKYO, datetime(2026, 3, 29, 12, 59, tzinfo=UTC), False),  # 21:59, all the year
        (TOKYO, datetime(2026, 3, 29, 13, 0, tzinfo=UTC), True),
        (TOKYO, datetime(2026, 10, 25, 21, 59, tzinfo=UTC), True),  # 06:59
        (TOKYO, datetime(2026, 10, 25, 22, 0, tzinfo=UTC), False),
    ],
)
def test_quiet_hours_go_by_the_rep_s_own_clocks(zone: str, moment: datetime, quiet: bool) -> None:
    wishes = policy(quiet_hours=(NIGHT,), time_zone=zone)
    assert said(wishes, entry=raised(moment), now=moment) == ("quiet_hours" if quiet else None)


def test_a_span_that_passes_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = (QuietHours(days=(5,), begin=22 * 60, end=7 * 60),)
    friday = local(BERLIN, 2026, 11, 6, 22, 0)
    assert [is_quiet(friday_night, friday + timedelta(days=days)) for days in range(-1, 2)] == [
        False,
        True,
        False,
    ]
    morning = local(BERLIN, 2026, 11, 7, 6, 59)
    assert [is_quiet(friday_night, morning + timedelta(days=days)) for days in range(-1, 2)] == [
        False,
        True,
        False,
    ]


@given(
    st.sampled_from([BERLIN, NEW_YORK, TOKYO, "UTC", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.lists(
        st.tuples(st.sets(st.integers(1, 7), min_size=1), st.integers(0, 1439), st.integers(0, 1439)),
        max_size=3,
    ),
)
@example(BERLIN, datetime(2026, 10, 25, 0, 30), [({7}, 120, 180)])
def test_quiet_is_what_a_table_of_the_week_s_minutes_says(
    zone: str, moment: datetime, drawn: list[tuple[set[int], int, int]]
) -> None:
    """Minute by minute of the wall's clock, without any arithmetic on days."""
    quiet_minutes = set()
    for days, begin, end in drawn:
        length = (end - begin) % 1440 or 1440
        for day in days:
            start = (day - 1) * 1440 + begin
            quiet_minutes |= {(start + minute) % (7 * 1440) for minute in range(length)}
    at = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    hours = tuple(QuietHours(days=tuple(days), begin=begin, end=end) for days, begin, end in drawn)
    expected = (at.isoweekday() - 1) * 1440 + at.hour * 60 + at.minute in quiet_minutes
    assert is_quiet(hours, at) is expected


def test_what_fell_into_quiet_hours_does_not_come_up_after_them_and_nothing_comes_up_within() -> None:
    wishes = policy(quiet_hours=(NIGHT,), time_zone=TOKYO)
    night, morning = local(TOKYO, 2026, 11, 5, 6, 59), local(TOKYO, 2026, 11, 5, 7, 0, 1)
    assert said(wishes, entry=raised(night), now=morning) == "quiet_hours"
    assert said(wishes, entry=raised(morning), now=morning) is None
    evening = local(TOKYO, 2026, 11, 5, 21, 59, 55)
    assert said(wishes, entry=raised(evening), now=evening + timedelta(seconds=8)) == "quiet_hours"


def test_a_test_comes_up_at_night_too_and_a_refused_log_does_not() -> None:
    wishes = policy(quiet_hours=(QuietHours(days=EVERY_DAY, begin=0, end=0),))
    assert said(wishes, entry=raised(kind=TEST, message_id=None)) is None
    assert said(wishes, entry=raised(kind=REFUSED)) == "quiet_hours"


def test_a_zone_that_the_machine_does_not_know_is_utc() -> None:
    wishes = policy(quiet_hours=(NIGHT,), time_zone="Mars/Olympus")
    at = datetime(2026, 11, 4, 23, 0, tzinfo=UTC)
    assert said(wishes, entry=raised(at), now=at) == "quiet_hours"


def test_a_summary_counts_only_what_would_have_come_up() -> None:
    """The silent ones are told one by one; no cursor passes what the summary counts before it is said."""
    policies = Policies()
    policies.apply(policy(clicks=False))
    old = [
        raised(NOW - timedelta(minutes=60 - n), kind=CLICK if n % 2 else NotificationKind.OPENED)
        for n in range(5)
    ]
    recent = raised(NOW, kind=CLICK)
    told = fold([*old, recent], NOW, policies.silence)
    assert [(one.entry, one.silent, one.count) for one in told] == [
        (old[1], "clicks_off", 0),
        (old[3], "clicks_off", 0),
        (None, None, 3),
        (recent, "clicks_off", 0),
    ]
    assert [one.next_offset for one in told] == [
        old[0].offset,
        old[0].offset,
        old[4].offset + 1,
        recent.offset + 1,
    ]
