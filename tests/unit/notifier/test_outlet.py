"""What goes out to one socket, in which order, while its client reads well, badly or not at all."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.messages import Close, Push
from services.notifier.outlet import Outlet, offer_event
from shared.auth.tokens import Role, SignedIn

WHO = SignedIn(uuid4(), uuid4(), Role.REP, uuid4(), datetime.now(UTC) + timedelta(minutes=10))


class Wire:
    """Takes `room` frames, then it pauses the outlet."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.written: list[bytes] = []
        self.ends: list[Close] = []
        self.outlet: Outlet | None = None

    def an_outlet(self, limit: int = 10) -> Outlet:
        self.outlet = Outlet(WHO, limit, self)
        return self.outlet

    def write(self, frame: bytes) -> None:
        assert self.room > 0, "written to though paused"
        self.room -= 1
        self.written.append(frame)
        if self.room == 0 and self.outlet is not None:
            self.outlet.pause()

    def reads(self, more: int) -> None:
        """The client makes room."""
        self.room += more
        if self.outlet is not None:
            self.outlet.flush()

    def end(self, why: Close) -> None:
        self.ends.append(why)


def push(number: int) -> Push:
    return Push(str(number).encode(), "feed_changed")


def test_what_is_offered_before_the_past_is_written_comes_after_it() -> None:
    wire = Wire()
    outlet = wire.an_outlet(10)
    outlet.greet(push(0))
    outlet.offer(push(3))
    assert wire.written == [b"0"]
    outlet.begin([push(1), push(2)])
    outlet.offer(push(4))
    assert wire.written == [b"0", b"1", b"2", b"3", b"4"]


def test_a_long_past_waits_for_the_client_without_counting_as_too_much() -> None:
    wire = Wire(room=1)
    outlet = wire.an_outlet(2)
    outlet.begin([push(number) for number in range(5)])
    outlet.offer(push(5))
    outlet.offer(push(6))
    assert (wire.written, wire.ends) == ([b"0"], [])
    wire.reads(3)
    assert wire.written == [b"0", b"1", b"2", b"3"]
    wire.reads(100)
    assert wire.written[4:] == [b"4", b"5", b"6"]


def test_one_event_more_than_may_wait_ends_the_socket_and_nothing_is_written_after_it() -> None:
    wire = Wire(room=1)
    outlet = wire.an_outlet(2)
    outlet.begin([])
    for number in range(5):
        outlet.offer(push(number))
    assert (wire.written, wire.ends, outlet.why) == ([b"0"], [Close.TOO_SLOW], Close.TOO_SLOW)
    wire.reads(100)
    outlet.offer(push(9))
    outlet.end(Close.REVOKED)
    assert (wire.written, wire.ends) == ([b"0"], [Close.TOO_SLOW])


def test_an_event_goes_to_those_who_have_not_seen_it() -> None:
    wires = [Wire(), Wire()]
    outlets = [wire.an_outlet(2) for wire in wires]
    for outlet in outlets:
        outlet.begin([])
    outlets[1].from_offset = 8
    offer_event(push(7), 7, outlets)
    offer_event(push(8), 8, outlets)
    assert [wire.written for wire in wires] == [[b"7", b"8"], [b"8"]]


@given(st.lists(st.sampled_from(["offer", "read", "begin"]), max_size=60), st.integers(0, 4))
def test_whatever_happens_messages_go_out_in_order_without_a_gap(happens: list[str], past: int) -> None:
    wire = Wire(room=2)
    outlet = wire.an_outlet(1000)
    offered = past
    for what in [*happens, "begin"]:
        if what == "offer":
            outlet.offer(push(offered))
            offered += 1
        elif what == "read":
            wire.reads(3)
        else:
            outlet.begin([push(number) for number in range(past)])
            break
    outlet.offer(push(offered))
    wire.reads(1000)
    assert wire.written == [str(number).encode() for number in range(offered + 1)]
