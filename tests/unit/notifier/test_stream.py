"""Sockets against the real server of the library, with the log and the sign-in played by the test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from services.notifier.api import Doors, Stream, listening
from services.notifier.handlers import Hub
from services.notifier.messages import Close
from services.notifier.model import Entry, ReplayExpired, ReplayUnavailable, Ring, SeenEvents, read_entry
from services.notifier.settings import NotifierSettings
from shared.auth.jwks import KeysUnavailable
from shared.auth.scopes import Scope
from shared.auth.tokens import ExpiredAccessToken, InvalidAccessToken, Role, SignedIn
from shared.events.base import Event
from shared.events.codec import encode
from shared.events.notifications import FeedChanged, NotificationKind, NotificationRaised, SignInRevoked
from shared.telemetry import tracing
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing

APP = "https://kaifu.example"
ACCOUNT = uuid4()


class SignIns:
    """Access tokens are names here."""

    def __init__(self) -> None:
        self.known: dict[str, SignedIn] = {}
        self.away = False

    def add(self, name: str, user: UUID, *, lasts_s: float = 600) -> SignedIn:
        now = datetime.now(UTC)
        expires = now + timedelta(seconds=lasts_s)
        self.known[name] = SignedIn(user, ACCOUNT, Role.REP, uuid4(), expires, now - timedelta(seconds=5))
        return self.known[name]

    async def verify(self, token: str) -> SignedIn:
        if self.away:
            raise KeysUnavailable
        if token == "old":
            raise ExpiredAccessToken
        if token not in self.known:
            raise InvalidAccessToken
        return self.known[token]


class Place:
    """A running server with one partition of a log that the test writes."""

    def __init__(self, hub: Hub, sign_ins: SignIns, settings: NotifierSettings) -> None:
        self.hub = hub
        self.stream: Stream
        self.sign_ins = sign_ins
        self.settings = settings
        self.log: list[bytes] = []
        self.open = True
        self.replay_gate = asyncio.Event()
        self.replay_gate.set()
        self.replay_failure: Exception | None = None
        self.replays = 0

    def publish(self, event: Event, traceparent: str | None = None) -> None:
        """The event reaches this replica now."""
        self.log.append(encode(event))
        headers = [("traceparent", traceparent.encode())] if traceparent else []
        self.hub.take(0, len(self.log) - 1, datetime.now(UTC).timestamp(), self.log[-1], headers)

    async def read_replay(self, partition: int, start: int, end: int, user_id: str) -> list[Entry]:
        self.replays += 1
        await self.replay_gate.wait()
        if self.replay_failure is not None:
            raise self.replay_failure
        entries = [read_entry(partition, offset, 0.0, self.log[offset]) for offset in range(start, end)]
        return [entry for entry in entries if entry.user_id == user_id]

    def client(self, after: str | None = None, **options: Any) -> connect:  # type: ignore[valid-type]
        query = "" if after is None else f"?after={after}"
        address = f"ws://127.0.0.1:{self.settings.port}/v1/stream{query}"
        return connect(address, **({"origin": APP} | options))

    @asynccontextmanager
    async def signed_in(self, name: str, after: str | None = None) -> AsyncIterator[ClientConnection]:
        """A client that has said who it is."""
        async with self.client(after) as client:
            await say(client, type="authenticate", access_token=name)
            yield client


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "cursor.json"
    keyring.create(path)
    return path


@asynccontextmanager
async def a_place(key_file: Path, ring_events: int = 1000, **settings: Any) -> AsyncIterator[Place]:
    chosen = NotifierSettings(port=free_port(), cursor_keys=key_file, **settings)
    sign_ins = SignIns()
    hub = Hub(
        Ring(chosen.ring_span_s, ring_events),
        SeenEvents(1000),
        KeyRing.load(key_file),
        lambda _user, _partitions: 0,
        chosen.sockets_per_user,
    )
    hub.begin("cluster", {0: 0})
    running = Place(hub, sign_ins, chosen)
    running.stream = stream = Stream(hub, sign_ins, running.read_replay, chosen)
    doors = Doors(chosen.origins(APP), lambda: running.open, lambda: stream.has_room)
    async with listening(stream, doors, chosen):
        yield running


@pytest_asyncio.fixture
async def place(key_file: Path) -> AsyncIterator[Place]:
    extension = f"chrome-extension://{'a' * 32}"
    async with a_place(
        key_file, allowed_origins=extension, first_message_s=0.3, sockets_per_user=3
    ) as running:
        yield running


async def say(client: ClientConnection, **message: object) -> None:
    await client.send(json.dumps(message))


async def heard(client: ClientConnection, count: int = 1) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        return [json.loads(await client.recv()) for _ in range(count)]


async def closed(client: ClientConnection) -> int:
    """The code that the server closes with, after whatever else it says."""
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    assert client.close_code != 1006, "cut without a close frame"
    assert client.close_code is not None
    return client.close_code


def raised(user: UUID, minutes_ago: float = 0) -> NotificationRaised:
    return NotificationRaised(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
        account_id=ACCOUNT,
        user_id=user,
        notification_id=uuid4(),
        kind=NotificationKind.OPENED,
    )


def changed(user: UUID) -> FeedChanged:
    return FeedChanged(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=ACCOUNT, user_id=user, message_id=uuid4()
    )


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [message["event"]["event_id"] for message in messages if message["type"] == "event"]


@pytest.mark.requirement("T4")
async def test_an_event_reaches_every_screen_of_its_user_and_no_other(place: Place) -> None:
    me, other = uuid4(), uuid4()
    place.sign_ins.add("me", me)
    place.sign_ins.add("other", other)
    async with place.signed_in("me") as one, place.signed_in("me") as two, place.signed_in("other") as else_:
        for client in (one, two, else_):
            assert (await heard(client))[0]["type"] == "ready"
        mine, theirs = raised(me), raised(other)
        place.publish(mine)
        place.publish(theirs)
        for client, expected in ((one, mine), (two, mine), (else_, theirs)):
            (message,) = await heard(client)
            assert message["event"] == json.loads(encode(expected))


async def test_an_event_published_twice_is_pushed_once(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as client:
        (ready,) = await heard(client)
        first, second = raised(me), raised(me)
        for event in (first, first, second, first):
            place.publish(event)
        messages = await heard(client, 2)
        assert ids(messages) == [str(first.event_id), str(second.event_id)]
    async with place.signed_in("me", ready["cursor"]) as client:
        assert ids(await heard(client, 3)) == [str(first.event_id), str(second.event_id)]
    async with place.signed_in("me", messages[0]["cursor"]) as client:
        assert ids(await heard(client, 2)) == [str(second.event_id)]  # not the copies behind it
        last = raised(me)
        place.publish(last)
        assert ids(await heard(client)) == [str(last.event_id)]


async def test_a_client_resumes_with_exactly_what_it_missed(place: Place) -> None:
    me, other = uuid4(), uuid4()
    place.sign_ins.add("me", me)
    place.publish(raised(me))
    async with place.signed_in("me") as client:
        (ready,) = await heard(client)
        place.publish(seen := raised(me))
        (message,) = await heard(client)
        assert ids([message]) == [str(seen.event_id)]
    missed = [raised(me), changed(me), raised(me)]
    for event in missed:
        place.publish(raised(other))
        place.publish(event)
    async with place.signed_in("me", message["cursor"]) as client:
        place.publish(live := raised(me))
        again, *rest = await heard(client, 5)
        assert (again["type"], again["cursor"]) == ("ready", message["cursor"])
        assert ids(rest) == [str(event.event_id) for event in [*missed, live]]
    async with place.signed_in("me", ready["cursor"]) as client:
        assert len(ids(await heard(client, 6))) == 5
    assert place.replays == 0  # the ring had it all


async def test_what_happens_during_a_replay_from_kafka_comes_after_it_once(key_file: Path) -> None:
    """The ring holds two events; the rest must be read from the log while new ones arrive."""
    async with a_place(key_file, ring_events=2) as place:
        me = uuid4()
        place.sign_ins.add("me", me)
        async with place.signed_in("me") as client:
            (ready,) = await heard(client)
        missed = [raised(me) for _ in range(6)]
        for event in missed:
            place.publish(event)
            place.publish(missed[0])  # copies: in the log, not in the ring
        place.replay_gate.clear()
        async with place.signed_in("me", ready["cursor"]) as client:
            assert (await heard(client))[0]["type"] == "ready"
            during = [raised(me) for _ in range(4)]
            for event in during:
                place.publish(event)
            place.publish(during[0])  # and a copy
            place.replay_gate.set()
            expected = [str(event.event_id) for event in [*missed, *during]]
            assert ids(await heard(client, 10)) == expected
            place.publish(last := raised(me))
            assert ids(await heard(client)) == [str(last.event_id)]
        assert place.replays == 1


async def test_what_kafka_has_dropped_is_a_resync_and_then_live(key_file: Path) -> None:
    async with a_place(key_file, ring_events=1) as place:
        me = uuid4()
        place.sign_ins.add("me", me)
        async with place.signed_in("me") as client:
            (ready,) = await heard(client)
        for _ in range(3):
            place.publish(raised(me))
        place.replay_failure = ReplayExpired()
        async with place.signed_in("me", ready["cursor"]) as client:
            _, resync = await heard(client, 2)
            assert (resync["type"], resync["reason"]) == ("resync", "cursor_expired")
            place.publish(last := raised(me))
            assert ids(await heard(client)) == [str(last.event_id)]
        async with place.signed_in("me", resync["cursor"]) as client:
            assert ids(await heard(client, 2)) == [str(last.event_id)]  # the new cursor is a good one
        place.replay_failure = ReplayUnavailable("KafkaConnectionError")
        async with place.signed_in("me", ready["cursor"]) as client:
            assert await closed(client) == Close.TRY_LATER


@pytest.mark.parametrize("cursor", ["AQnonsense", "%20", "x" * 3000])
async def test_an_invalid_cursor_is_a_resync_and_then_live(place: Place, cursor: str) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    place.publish(raised(me))
    async with place.signed_in("me", cursor) as client:
        ready, resync = await heard(client, 2)
        assert (resync["type"], resync["reason"]) == ("resync", "cursor_invalid")
        assert ready["cursor"] == resync["cursor"]
        place.publish(event := raised(me))
        assert ids(await heard(client)) == [str(event.event_id)]


async def test_another_cluster_is_a_resync_for_who_comes_and_who_is_here(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    place.publish(raised(me))
    async with place.signed_in("me") as stays:
        (ready,) = await heard(stays)
        place.log.clear()
        place.hub.begin("another cluster", {0: 0})
        (resync,) = await heard(stays)
        assert (resync["type"], resync["reason"]) == ("resync", "other_epoch")
        async with place.signed_in("me", ready["cursor"]) as comes:
            _, told = await heard(comes, 2)
            assert (told["type"], told["reason"]) == ("resync", "other_epoch")
            place.publish(event := raised(me))
            assert ids([*await heard(stays), *await heard(comes)]) == [str(event.event_id)] * 2


async def test_what_another_replica_has_shown_is_not_shown_again(place: Place) -> None:
    """The client comes from a replica that had read two events more than this one."""
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me", place.hub.cursor(0, 2)) as client:
        await heard(client)
        events = [raised(me) for _ in range(3)]
        for event in events:
            place.publish(event)
        assert ids(await heard(client)) == [str(events[2].event_id)]


async def test_old_pop_ups_come_as_one_summary(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as client:
        (ready,) = await heard(client)
    old, recent = [raised(me, 60), raised(me, 6)], raised(me, 1)
    for event in (*old, recent):
        place.publish(event)
    async with place.signed_in("me", ready["cursor"]) as client:
        _, summary, single = await heard(client, 3)
        assert (summary["type"], summary["count"]) == ("summary", 2)
        assert summary["notification_ids"] == [str(event.notification_id) for event in old]
        assert ids([single]) == [str(recent.event_id)]
    async with place.signed_in("me", summary["cursor"]) as client:
        assert ids(await heard(client, 2)) == [str(recent.event_id)]


async def test_a_revoked_sign_in_is_closed_and_can_not_come_back(place: Place) -> None:
    me = uuid4()
    ended, stays = place.sign_ins.add("ended", me), place.sign_ins.add("stays", me)
    async with place.signed_in("ended") as one, place.signed_in("stays") as two:
        await heard(one)
        await heard(two)
        now = datetime.now(UTC)
        one_of_them = SignInRevoked(
            event_id=uuid4(), occurred_at=now, account_id=ACCOUNT, user_id=me, sign_in_id=ended.sign_in_id
        )
        place.publish(one_of_them)
        assert await closed(one) == Close.REVOKED
        async with place.signed_in("ended") as again:
            assert await closed(again) == Close.REVOKED
        place.publish(event := raised(me))
        assert ids(await heard(two)) == [str(event.event_id)]
        everything = SignInRevoked(event_id=uuid4(), occurred_at=now, account_id=ACCOUNT, user_id=me)
        place.publish(everything)
        assert await closed(two) == Close.REVOKED
        async with place.signed_in("stays") as again:
            assert await closed(again) == Close.REVOKED
    assert stays.sign_in_id != ended.sign_in_id


async def test_an_ended_sign_in_can_not_renew_a_socket(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("good", me)
    ended = place.sign_ins.add("ended", me)
    async with place.signed_in("good") as client:
        await heard(client)
        place.publish(
            SignInRevoked(
                event_id=uuid4(),
                occurred_at=datetime.now(UTC),
                account_id=ACCOUNT,
                user_id=me,
                sign_in_id=ended.sign_in_id,
            )
        )
        await say(client, type="authenticate", access_token="ended")
        assert await closed(client) == Close.REVOKED


async def test_an_expiring_sign_in_closes_unless_it_is_renewed(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("short", me, lasts_s=0.5)
    place.sign_ins.add("long", me)
    async with place.signed_in("short") as renewed, place.signed_in("short") as left:
        await heard(renewed)
        await say(renewed, type="authenticate", access_token="long")
        assert (await heard(renewed))[0] == {"type": "authenticated"}
        assert await closed(left) == Close.EXPIRED
        place.publish(event := raised(me))
        assert ids(await heard(renewed)) == [str(event.event_id)]


async def test_another_user_can_not_take_over_a_socket(place: Place) -> None:
    place.sign_ins.add("me", uuid4())
    place.sign_ins.add("other", uuid4())
    async with place.signed_in("me") as client:
        await heard(client)
        await say(client, type="authenticate", access_token="other")
        assert await closed(client) == Close.NOT_AUTHENTICATED


@pytest.mark.requirement("A6")
async def test_an_api_token_has_no_screen(place: Place) -> None:
    """Whatever it may do elsewhere."""
    who = place.sign_ins.add("program", uuid4())
    place.sign_ins.known["program"] = replace(who, scopes=frozenset(Scope))
    async with place.client() as client:
        await say(client, type="authenticate", access_token="program")
        assert await closed(client) == Close.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"authenticate","access_token":"forged"}', Close.NOT_AUTHENTICATED),
        ('{"type":"authenticate","access_token":"old"}', Close.EXPIRED),
        ('{"type":"ping"}', Close.NOT_AUTHENTICATED),
        ('{"type":"authenticate"}', Close.NOT_UNDERSTOOD),
        ('{"type":"authenticate","access_token":7}', Close.NOT_UNDERSTOOD),
        ("{not json", Close.NOT_UNDERSTOOD),
        ("[]", Close.NOT_UNDERSTOOD),
        (b"\x00\x01", Close.NOT_TEXT),
        ("x" * 9000, 1009),
    ],
)
async def test_a_bad_first_message_closes_with_its_code(place: Place, first: str | bytes, code: int) -> None:
    async with place.client() as client:
        await client.send(first)
        assert await closed(client) == code


async def test_silence_closes_after_the_deadline(place: Place) -> None:
    async with place.client() as client:
        assert await closed(client) == Close.AUTHENTICATION_TIMEOUT


async def test_a_later_bad_message_closes_too_and_a_ping_is_answered(place: Place) -> None:
    place.sign_ins.add("me", uuid4())
    async with place.signed_in("me") as client:
        await heard(client)
        await say(client, type="ping")
        assert await heard(client) == [{"type": "pong"}]
        await client.send("{")
        assert await closed(client) == Close.NOT_UNDERSTOOD


async def test_while_the_keys_are_away_a_client_is_told_to_come_again(place: Place) -> None:
    place.sign_ins.away = True
    async with place.signed_in("me") as client:
        assert await closed(client) == Close.TRY_LATER


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://kaifu.example", 403),
        ("null", 403),
        (f"chrome-extension://{'b' * 32}", 403),
        (f"chrome-extension://{'a' * 32}", 101),
        (None, 101),
    ],
)
async def test_only_known_origins_connect(place: Place, origin: str | None, status: int) -> None:
    try:
        async with place.client(origin=origin):
            assert status == 101
    except InvalidStatus as refused:
        assert refused.response.status_code == status  # noqa: PT017 - one of two expected outcomes


async def test_other_paths_and_an_unready_replica_are_refused(place: Place) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(f"ws://127.0.0.1:{place.settings.port}/v2/stream")
    assert caught.value.response.status_code == 404
    place.open = False
    with pytest.raises(InvalidStatus) as caught:
        await place.client()
    assert caught.value.response.status_code == 503
    assert caught.value.response.headers["Retry-After"] == "1"


async def test_one_user_has_so_many_sockets_and_a_closed_one_makes_room(place: Place) -> None:
    place.sign_ins.add("me", uuid4())
    async with place.signed_in("me") as one, place.signed_in("me") as two:
        await heard(one)
        await heard(two)
        async with place.signed_in("me") as three:
            await heard(three)
            async with place.signed_in("me") as four:
                assert await closed(four) == Close.TOO_MANY_SOCKETS
        async with place.signed_in("me") as five:
            assert (await heard(five))[0]["type"] == "ready"


async def test_all_users_have_so_many_sockets_and_one_that_goes_makes_room(key_file: Path) -> None:
    """Also one that has not said yet who it is."""
    async with a_place(key_file, sockets=2) as place:
        place.sign_ins.add("me", uuid4())
        async with place.client() as silent, place.signed_in("me") as one:
            await heard(one)
            with pytest.raises(InvalidStatus) as caught:
                await place.client()
            assert caught.value.response.status_code == 503
            assert caught.value.response.headers["Retry-After"] == "5"
            await silent.close()
            async with asyncio.timeout(5), place.signed_in("me") as two:
                assert (await heard(two))[0]["type"] == "ready"


@pytest.mark.parametrize("ring_events", [1000, 1], ids=["in the ring", "on Kafka"])
async def test_who_missed_very_much_loads_afresh(key_file: Path, ring_events: int) -> None:
    async with a_place(key_file, ring_events, replay_events=10) as place:
        me = uuid4()
        place.sign_ins.add("me", me)
        async with place.signed_in("me") as client:
            (ready,) = await heard(client)
        missed = [raised(me) for _ in range(11)]
        place.publish(missed[0])
        async with place.signed_in("me", ready["cursor"]) as client:
            _, first = await heard(client, 2)
        for event in missed[1:]:
            place.publish(event)
        async with place.signed_in("me", ready["cursor"]) as client:
            _, resync = await heard(client, 2)
            assert (resync["type"], resync["reason"]) == ("resync", "cursor_expired")
            place.publish(last := raised(me))
            assert ids(await heard(client)) == [str(last.event_id)]
        async with place.signed_in("me", first["cursor"]) as client:
            _, resync = await heard(client, 2)
            assert resync["type"] == "resync"
        async with place.signed_in("me", resync["cursor"]) as client:
            assert (await heard(client))[0]["type"] == "ready"


def closed_as_too_slow() -> float:
    return REGISTRY.get_sample_value("kaifu_sockets_closed_total", {"reason": "too_slow"}) or 0.0


async def test_a_slow_client_is_closed_and_loses_nothing(key_file: Path) -> None:
    """Its kernel buffer is small and it does not read; the others are not held up."""
    async with a_place(key_file, ring_events=20_000, socket_queue=50) as place:
        me = uuid4()
        place.sign_ins.add("me", me)
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", place.settings.port))
        slow = await place.client(sock=small, max_queue=1)
        await say(slow, type="authenticate", access_token="me")
        (ready,) = await heard(slow)
        events: list[NotificationRaised] = []
        before = closed_as_too_slow()
        async with place.signed_in("me") as quick:
            await heard(quick)
            while closed_as_too_slow() == before:
                assert len(events) < 20_000, "the slow client is never closed"
                batch = [raised(me) for _ in range(25)]
                for event in batch:
                    place.publish(event)
                assert ids(await heard(quick, 25)) == [str(event.event_id) for event in batch]
                events += batch
        received: list[dict[str, Any]] = []
        code = 0
        try:
            while True:
                received.append(json.loads(await slow.recv()))
        except ConnectionClosed as end:
            code = end.rcvd.code if end.rcvd else 0
        assert code == Close.TOO_SLOW
        assert len(received) < len(events)
        last = received[-1]["cursor"] if received else ready["cursor"]
        missing = len(events) - len(received)
        async with place.signed_in("me", last) as resumed, asyncio.timeout(20):
            await heard(resumed)
            rest = ids([json.loads(await resumed.recv()) for _ in range(missing)])
        assert ids(received) + rest == [str(event.event_id) for event in events]


async def test_a_sampled_trace_goes_on_to_the_push_and_an_unsampled_one_costs_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    me, trace_id, span_id = uuid4(), "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as client:
        await heard(client)
        place.publish(raised(me), f"00-{trace_id}-{span_id}-00")
        place.publish(raised(me), f"00-{trace_id}-{span_id}-01")
        place.publish(raised(me))
        await heard(client, 3)
    (push,) = spans.get_finished_spans()
    assert push.name == "push"
    assert push.context is not None
    assert push.parent is not None
    assert (format(push.context.trace_id, "032x"), format(push.parent.span_id, "016x")) == (trace_id, span_id)


async def test_an_unreadable_event_is_passed_over(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as client:
        await heard(client)
        place.log.append(b"{not json")
        place.hub.take(0, 0, 0.0, place.log[0], ())
        place.publish(event := raised(me))
        assert ids(await heard(client)) == [str(event.event_id)]


async def test_when_the_service_stops_every_client_is_told_to_come_again(place: Place) -> None:
    place.sign_ins.add("me", uuid4())
    async with place.signed_in("me") as client:
        await heard(client)
        place.hub.end_all(Close.RESTARTING)
        assert await closed(client) == Close.RESTARTING


async def test_a_client_that_answers_pings_stays_and_one_that_says_nothing_is_cut(key_file: Path) -> None:
    async with a_place(key_file, ping_interval_s=0.3) as place:
        me = uuid4()
        place.sign_ins.add("me", me)
        async with place.signed_in("me") as lives, place.signed_in("me") as hangs:
            await heard(lives)
            await heard(hangs)
            hangs.transport.pause_reading()
            async with asyncio.timeout(5):
                while place.stream.sockets > 1:
                    await asyncio.sleep(0.02)
            hangs.transport.abort()
            await asyncio.sleep(1)
            place.publish(event := raised(me))
            assert ids(await heard(lives)) == [str(event.event_id)]


@pytest.mark.parametrize("how", ["half-closes", "resets"])
async def test_a_client_that_goes_without_a_word_harms_no_other(place: Place, how: str) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as stays:
        await heard(stays)
        async with place.signed_in("me") as goes:
            await heard(goes)
            if how == "resets":
                goes.transport.abort()
            else:
                goes.transport.write_eof()
            events: list[NotificationRaised] = []
            while place.stream.sockets > 1:
                place.publish(event := raised(me))
                events.append(event)
                await asyncio.sleep(0)
        assert ids(await heard(stays, len(events))) == [str(event.event_id) for event in events]


async def test_after_a_close_frame_a_client_is_sent_nothing(place: Place) -> None:
    me = uuid4()
    place.sign_ins.add("me", me)
    async with place.signed_in("me") as client:
        await heard(client)
        client.transport.write(b"\x88\x80\x00\x00\x00\x00")  # unknown to the library of the client
        while place.stream.sockets:
            place.publish(raised(me))
            await asyncio.sleep(0)
        received = ids([json.loads(message) async for message in client])
        assert client.protocol.close_rcvd is not None
        assert len(received) < len(place.log)
