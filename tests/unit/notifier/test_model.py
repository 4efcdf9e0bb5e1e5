"""The ring, the seen ids, the ended sign-ins, the cursor."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.cursor import Cursor, epoch_of, open_cursor, seal_cursor
from services.notifier.model import (
    Entry,
    Revocations,
    Ring,
    SeenEvents,
    Unreadable,
    copies_removed,
    read_entry,
)
from shared.auth.tokens import Role, SignedIn
from shared.events.codec import encode
from shared.events.ids import derived_id
from shared.events.notifications import FeedChanged, NotificationKind, NotificationRaised, SignInRevoked
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
USERS = [str(derived_id("test user", number)) for number in range(3)]
EPOCH = epoch_of("one cluster")


def entry(offset: int, user: str = USERS[0], at: float = 0.0, event_id: str | None = None) -> Entry:
    return Entry(
        partition=0,
        offset=offset,
        at=at,
        type="notification_raised",
        event_id=event_id or str(uuid4()),
        user_id=user,
        occurred_at=NOW,
        about=str(uuid4()),
        body=b"{}",
    )


@given(
    st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 30)), max_size=40),
    st.integers(1, 8),
    st.integers(0, 20),
)
def test_above_its_floor_the_ring_is_complete_and_below_it_says_so(
    arrivals: list[tuple[str, int]], limit: int, span: int
) -> None:
    ring = Ring(span, limit)
    ring.begin({0: 0})
    clock = 0
    for offset, (user, pause) in enumerate(arrivals):
        clock += pause
        ring.passed(0, offset + 1)
        ring.keep(entry(offset, user, clock))
        ring.drop_before(clock)
        assert len(ring) <= limit
        for owner in USERS:
            missed = [place for place in range(ring.floor(0), offset + 1) if arrivals[place][0] == owner]
            assert [kept.offset for kept in ring.of(owner, ring.floor(0))] == missed
    assert ring.next(0) == len(arrivals)


def test_the_ring_drops_by_time_alone_too() -> None:
    ring = Ring(60, 100)
    ring.begin({0: 5})
    ring.passed(0, 6)
    ring.keep(entry(5, at=1000.0))
    ring.drop_before(1059.0)
    assert (len(ring), ring.floor(0)) == (1, 5)
    ring.drop_before(1061.0)
    assert (len(ring), ring.floor(0)) == (0, 6)
    assert ring.of(USERS[0], 0) == []


def test_another_log_begins_with_an_empty_ring() -> None:
    ring = Ring(60, 100)
    ring.begin({0: 5})
    ring.passed(0, 6)
    ring.keep(entry(5))
    ring.begin({0: 0, 1: 0})
    assert (len(ring), ring.floor(0), ring.next(0), ring.of(USERS[0], 0)) == (0, 0, 0, [])


@pytest.mark.requirement("T9")
def test_an_id_is_seen_once_and_remembered_within_the_limit() -> None:
    seen, ids = SeenEvents(2), [str(uuid4()) for _ in range(3)]
    assert [seen.first_time(ids[0], EPOCH, offset) for offset in (4, 5)] == [True, False]
    assert not seen.is_copy(ids[0], EPOCH, 4)
    assert seen.is_copy(ids[0], EPOCH, 5)
    assert not seen.is_copy(ids[0], epoch_of("another cluster"), 5)
    assert seen.first_time(ids[1], EPOCH, 6)
    assert seen.first_time(ids[2], EPOCH, 7)
    assert seen.first_time(ids[0], EPOCH, 8)  # forgotten: the limit holds


def test_copies_go_wherever_the_first_one_stands() -> None:
    seen, twice, elsewhere = SeenEvents(10), str(uuid4()), str(uuid4())
    seen.first_time(elsewhere, EPOCH, 1)
    found = [entry(3, event_id=twice), entry(4, event_id=elsewhere), entry(5, event_id=twice), entry(6)]
    assert [kept.offset for kept in copies_removed(found, seen, EPOCH)] == [3, 6]


def signed_in(user: str, issued_at: datetime) -> SignedIn:
    return SignedIn(UUID(user), uuid4(), Role.REP, uuid4(), issued_at + timedelta(minutes=10), issued_at)


def test_one_revoked_sign_in_stays_out_and_the_users_others_stay_in() -> None:
    revocations, who = Revocations(), signed_in(USERS[0], NOW)
    revocations.add(str(who.user_id), str(who.sign_in_id), NOW)
    assert revocations.ended(who)
    assert not revocations.ended(signed_in(USERS[0], NOW))
    revocations.forget(NOW + timedelta(minutes=14))
    assert revocations.ended(who)
    revocations.forget(NOW + timedelta(minutes=16))  # its last token is over by now
    assert not revocations.ended(who)


def test_revoking_all_of_a_users_ends_what_was_issued_before() -> None:
    revocations = Revocations()
    revocations.add(USERS[0], None, NOW + timedelta(milliseconds=500))
    assert revocations.ended(signed_in(USERS[0], NOW))  # in the same second: `iat` has no fraction
    assert revocations.ended(signed_in(USERS[0], NOW - timedelta(minutes=9)))
    assert not revocations.ended(signed_in(USERS[0], NOW + timedelta(seconds=1)))
    assert not revocations.ended(signed_in(USERS[1], NOW))


def test_an_event_is_read_as_it_was_published_with_more_fields_than_known() -> None:
    raised = NotificationRaised(
        event_id=uuid4(),
        occurred_at=NOW,
        account_id=uuid4(),
        user_id=UUID(USERS[0]),
        notification_id=uuid4(),
        kind=NotificationKind.OPENED,
    )
    body = encode(raised)[:-1] + b',"of_a_newer_producer":1}'
    read = read_entry(2, 7, 1.5, body)
    assert (read.partition, read.offset, read.at, read.body) == (2, 7, 1.5, body)
    assert (read.event_id, read.user_id, read.occurred_at) == (str(raised.event_id), USERS[0], NOW)
    assert (read.type, read.about) == ("notification_raised", str(raised.notification_id))


def test_what_an_event_is_about_follows_its_type() -> None:
    base = {"event_id": uuid4(), "occurred_at": NOW, "account_id": uuid4(), "user_id": UUID(USERS[0])}
    message, sign_in = uuid4(), uuid4()
    assert read_entry(0, 0, 0, encode(FeedChanged(**base, message_id=message))).about == str(message)
    assert read_entry(0, 0, 0, encode(SignInRevoked(**base, sign_in_id=sign_in))).about == str(sign_in)
    assert read_entry(0, 0, 0, encode(SignInRevoked(**base))).about == ""


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"{}",
        b'{"type":"feed_changed"}',
        b"\xff\xfe",
        b'{"type":[]}',
        b'{"type":"settings_changed","event_id":7,"user_id":8,"occurred_at":"2026-11-02T09:00:00Z"}',
        b'{"type":"settings_changed","event_id":"7","user_id":"8","occurred_at":"2026-11-02T09:00:00Z"}',
    ],
)
def test_what_is_no_event_is_unreadable(value: bytes | None) -> None:
    with pytest.raises(Unreadable):
        read_entry(0, 0, 0.0, value)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    path: Path = tmp_path_factory.mktemp("keys") / "cursor.json"
    keyring.create(path)
    return KeyRing.load(path)


@given(st.binary(min_size=8, max_size=8), st.integers(0, 0xFFFF), st.integers(0, 2**63))
def test_a_cursor_comes_back_equal(keys: KeyRing, epoch: bytes, partition: int, offset: int) -> None:
    cursor = Cursor(epoch, partition, offset)
    assert open_cursor(keys, seal_cursor(keys, cursor)) == cursor


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t + "A", lambda t: "B" + t[1:], lambda _: "-", lambda _: ""]
)
def test_a_forged_or_cut_cursor_opens_as_none(keys: KeyRing, spoil: object) -> None:
    token = seal_cursor(keys, Cursor(EPOCH, 1, 2))
    assert open_cursor(keys, spoil(token)) is None  # type: ignore[operator]
