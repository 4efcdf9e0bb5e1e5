"""The notifier as a process of its own, on a broker of its own, with a crm that publishes its keys."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deploy.local.ports import free_port
from services.notifier.adapters.live import partition_of_user
from services.notifier.adapters.replay import Replays
from services.notifier.model import Entry, ReplayExpired
from shared.bus.producer import EventPublisher
from shared.events.catalogue import NOTIFICATIONS
from shared.events.notifications import NotificationKind, NotificationRaised, SignInRevoked
from shared.tokens import keyring
from tests.integration.crm_keys import Crm
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker, service

pytestmark = pytest.mark.integration


class Notifier:
    """A running notifier and how to reach it."""

    def __init__(self, process: ServiceProcess, crm: Crm, port: int) -> None:
        self.process = process
        self.crm = crm
        self.address = f"ws://127.0.0.1:{port}/v1/stream"

    @asynccontextmanager
    async def screen(self, token: str, after: str | None = None) -> AsyncIterator[ClientConnection]:
        """A signed-in client."""
        query = "" if after is None else f"?after={after}"
        async with connect(self.address + query, origin=self.crm.address) as client:
            await client.send(json.dumps({"type": "authenticate", "access_token": token}))
            yield client


async def heard(client: ClientConnection, count: int = 1, within_s: float = 30) -> list[dict[str, Any]]:
    async with asyncio.timeout(within_s):
        return [json.loads(await client.recv()) for _ in range(count)]


async def close_code(client: ClientConnection) -> int | None:
    async with asyncio.timeout(30):
        try:
            while True:
                await client.recv()
        except ConnectionClosed:
            return client.close_code


def raised(user: UUID) -> NotificationRaised:
    return NotificationRaised(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=uuid4(),
        user_id=user,
        notification_id=uuid4(),
        kind=NotificationKind.OPENED,
        message_id=uuid4(),
    )


def ids(messages: Iterable[dict[str, Any]]) -> list[str]:
    return [message["event"]["event_id"] for message in messages if message["type"] == "event"]


def ids_of(events: Iterable[NotificationRaised]) -> list[str]:
    return [str(event.event_id) for event in events]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "cursor.json"
    keyring.create(path)
    return path


@pytest_asyncio.fixture(scope="module")
async def crm() -> AsyncIterator[Crm]:
    async with Crm().serving() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module")
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def publisher(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    client = EventPublisher(broker.settings)
    await client.start()
    yield client
    await client.stop()


@asynccontextmanager
async def running(
    broker: OwnBroker, crm: Crm, key_file: Path, folder: Path, **more: str
) -> AsyncIterator[Notifier]:
    port = free_port()
    async with service("notifier", environment(broker, crm, key_file, port) | more, folder) as process:
        yield Notifier(process, crm, port)


def environment(broker: OwnBroker, crm: Crm, key_file: Path, port: int) -> dict[str, str]:
    return {
        **broker.environment(),
        "PUBLIC_APP_URL": crm.address,
        "KAIFU_NOTIFIER_PORT": str(port),
        "KAIFU_NOTIFIER_CURSOR_KEYS": str(key_file),
    }


@pytest_asyncio.fixture(scope="module")
async def notifier(
    broker: OwnBroker, crm: Crm, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Notifier]:
    async with running(broker, crm, key_file, tmp_path_factory.mktemp("notifier")) as started:
        yield started


async def test_what_one_replay_holds_in_memory_is_bounded(
    broker: OwnBroker, publisher: EventPublisher
) -> None:
    me = uuid4()
    await publisher.publish_all((raised(me), None) for _ in range(7))
    partition = partition_of_user(str(me), broker.settings.partitions)
    async with broker.reader(NOTIFICATIONS.name) as client, asyncio.timeout(30):
        mine: list[Any] = []
        while len(mine) < 7:
            for records in (await client.getmany(timeout_ms=200)).values():
                mine += [record for record in records if record.key == str(me).encode()]
    end = mine[-1].offset + 1

    async def replayed(events: int) -> list[Entry]:
        replays = Replays(broker.settings, records=100_000, events=events, deadline_s=10.0, at_once=1)
        return await replays.read(partition, 0, end, str(me))

    assert len(await replayed(4)) == 7  # twice as many: copies may stand there
    with pytest.raises(ReplayExpired):
        await replayed(3)


@pytest.mark.requirement("T4")
async def test_what_is_published_reaches_the_screen_once(
    notifier: Notifier, crm: Crm, publisher: EventPublisher
) -> None:
    me, other = uuid4(), uuid4()
    before = await notifier.process.metric("kaifu_push_latency_seconds_count")
    async with notifier.screen(crm.signs_in(me)) as client:
        assert (await heard(client))[0]["type"] == "ready"
        first, second = raised(me), raised(me)
        for event in (first, raised(other), first, second):
            await publisher.publish(event)
        messages = await heard(client, 2)
        assert ids(messages) == ids_of([first, second])
        assert messages[0]["event"] == json.loads(first.model_dump_json())
    assert await notifier.process.metric("kaifu_push_latency_seconds_count") == before + 2


async def test_a_screen_that_was_away_gets_exactly_what_it_missed(
    notifier: Notifier, crm: Crm, publisher: EventPublisher
) -> None:
    me, other = uuid4(), uuid4()
    async with notifier.screen(crm.signs_in(me)) as client:
        await heard(client)
        await publisher.publish(raised(me))
        (last,) = await heard(client)
    missed = [raised(me) for _ in range(20)]
    for event in missed:
        await publisher.publish_all([(event, None), (raised(other), None)])
    async with notifier.screen(crm.signs_in(me), last["cursor"]) as client:
        assert ids(await heard(client, 21)) == ids_of(missed)


async def test_below_the_ring_kafka_is_read_while_new_events_arrive(
    broker: OwnBroker, crm: Crm, key_file: Path, publisher: EventPublisher, tmp_path: Path
) -> None:
    """The ring holds ten events, the screen missed two hundred, and others are being published."""
    me = uuid4()
    async with running(broker, crm, key_file, tmp_path, KAIFU_NOTIFIER_RING_EVENTS="10") as small:
        async with small.screen(crm.signs_in(me)) as client:
            (ready,) = await heard(client)
        missed, during = [raised(me) for _ in range(200)], [raised(me) for _ in range(200)]
        await publisher.publish_all((event, None) for event in missed)
        await publisher.publish_all((event, None) for event in missed[:50])  # copies
        async with small.screen(crm.signs_in(me), ready["cursor"]) as client:
            for start in range(0, 200, 5):
                await publisher.publish_all((event, None) for event in during[start : start + 5])
            told = await heard(client, 401, within_s=20)
            assert ids(told) == ids_of([*missed, *during])
            await publisher.publish(last := raised(me))
            assert ids(await heard(client)) == ids_of([last])
        async with small.screen(crm.signs_in(me), told[300]["cursor"]) as client:
            assert ids(await heard(client, 102)) == ids_of([*during[100:], last])


async def test_a_cursor_of_one_replica_is_good_at_another(
    notifier: Notifier, broker: OwnBroker, crm: Crm, key_file: Path, publisher: EventPublisher, tmp_path: Path
) -> None:
    """Also across a restart: the other replica starts after the events."""
    me = uuid4()
    async with notifier.screen(crm.signs_in(me)) as client:
        (ready,) = await heard(client)
        events = [raised(me) for _ in range(5)]
        for event in events:
            await publisher.publish(event)
        told = await heard(client, 5)
    async with running(broker, crm, key_file, tmp_path) as other:
        async with other.screen(crm.signs_in(me), told[1]["cursor"]) as client:
            assert ids(await heard(client, 4)) == ids_of(events[2:])
        async with other.screen(crm.signs_in(me), ready["cursor"]) as client:
            assert ids(await heard(client, 6)) == ids_of(events)


async def test_a_revoked_sign_in_is_closed_and_stays_out_of_every_replica(
    notifier: Notifier, broker: OwnBroker, crm: Crm, key_file: Path, publisher: EventPublisher, tmp_path: Path
) -> None:
    me, sign_in = uuid4(), uuid4()
    token = crm.signs_in(me, sign_in)
    async with notifier.screen(token) as client, notifier.screen(crm.signs_in(me)) as stays:
        await heard(client)
        await heard(stays)
        await publisher.publish(
            SignInRevoked(
                event_id=uuid4(),
                occurred_at=datetime.now(UTC),
                account_id=uuid4(),
                user_id=me,
                sign_in_id=sign_in,
            )
        )
        assert await close_code(client) == 4403
        async with notifier.screen(token) as again:
            assert await close_code(again) == 4403
        async with running(broker, crm, key_file, tmp_path) as later, later.screen(token) as again:
            assert await close_code(again) == 4403
        await publisher.publish(event := raised(me))
        assert ids(await heard(stays)) == ids_of([event])


async def test_a_client_that_does_not_read_is_dropped_and_resumes_while_nobody_waits_for_it(
    broker: OwnBroker, crm: Crm, key_file: Path, publisher: EventPublisher, tmp_path: Path
) -> None:
    """Its buffers in both kernels are full; memory stays; it comes again with its last cursor."""
    me, other = uuid4(), uuid4()
    async with running(broker, crm, key_file, tmp_path, KAIFU_NOTIFIER_SOCKET_QUEUE="64") as here:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", int(here.address.split(":")[2].partition("/")[0])))
        slow = await connect(here.address, origin=crm.address, sock=small, max_queue=1)
        await slow.send(json.dumps({"type": "authenticate", "access_token": crm.signs_in(me)}))
        await heard(slow)
        before = await here.process.metric("process_resident_memory_bytes")
        events: list[NotificationRaised] = []
        async with here.screen(crm.signs_in(me)) as mine, here.screen(crm.signs_in(other)) as theirs:
            await heard(mine)
            await heard(theirs)
            while not await here.process.metric('kaifu_sockets_closed_total{reason="too_slow"}'):
                assert len(events) < 20_000, "the slow client is never dropped"
                batch, of_other = [raised(me) for _ in range(250)], raised(other)
                await publisher.publish_all((event, None) for event in [*batch, of_other])
                assert ids(await heard(mine, len(batch))) == ids_of(batch)
                assert ids(await heard(theirs)) == ids_of([of_other])
                events += batch
        grown = await here.process.metric("process_resident_memory_bytes") - before
        assert grown < 64 << 20  # the ring holds all of it, too
        received: list[dict[str, Any]] = []
        with suppress(ConnectionClosed):
            while True:
                received.append(json.loads(await slow.recv()))
        assert slow.close_code in (4429, 1006)  # told, or cut after five seconds without reading
        assert 0 < len(received) < len(events)
        async with here.screen(crm.signs_in(me), received[-1]["cursor"]) as resumed:
            told = await heard(resumed, 1 + min(2, len(events) - len(received)), within_s=20)
            if told[1]["type"] != "resync":  # few enough to be told again
                told += await heard(resumed, len(events) - len(received) - len(told) + 1, within_s=20)
                assert ids(received) + ids(told) == ids_of(events)
            await publisher.publish(last := raised(me))
            assert ids(await heard(resumed))[-1:] == ids_of([last])


async def test_strangers_are_refused(notifier: Notifier, crm: Crm) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(notifier.address, origin="https://evil.example")
    assert caught.value.response.status_code == 403
    stranger = Crm()
    stranger.address = crm.address
    async with notifier.screen(stranger.signs_in(uuid4())) as client:
        assert await close_code(client) == 4401
    async with notifier.screen(crm.signs_in(uuid4(), lasts_s=-1)) as client:
        assert await close_code(client) == 4410
    async with notifier.screen(crm.signs_in(uuid4(), lasts_s=2)) as client:
        assert (await heard(client))[0]["type"] == "ready"
        assert await close_code(client) == 4410


async def test_poison_does_not_stop_the_log(notifier: Notifier, crm: Crm, publisher: EventPublisher) -> None:
    me = uuid4()
    async with notifier.screen(crm.signs_in(me)) as client:
        await heard(client)
        for poison in (b"{not json", b"[]", b"\xff", None):
            await publisher.publish_raw(NOTIFICATIONS.name, str(me).encode(), poison, [])
        await publisher.publish(event := raised(me))
        assert ids(await heard(client)) == ids_of([event])
    assert await notifier.process.metric("kaifu_notifications_unreadable_total") == 4


async def test_a_broker_that_started_anew_is_noticed_and_followed(
    crm: Crm, key_file: Path, tmp_path: Path
) -> None:
    me = uuid4()
    async with own_broker() as fresh, running(fresh, crm, key_file, tmp_path) as here:
        async with here.screen(crm.signs_in(me)) as client:
            await heard(client)
            writer = EventPublisher(fresh.settings)
            await writer.start()
            for event in (events := [raised(me) for _ in range(3)]):
                await writer.publish(event)
            await writer.stop()
            told = await heard(client, 3)
            assert ids(told) == ids_of(events)
            await fresh.kill()
            await fresh.start()
            writer = EventPublisher(fresh.settings)
            await writer.start()
            await writer.publish(early := raised(me))  # perhaps before the new broker is noticed
            after = await heard(client, 2, within_s=30)
            resyncs = [message for message in after if message["type"] == "resync"]
            assert [resync["reason"] for resync in resyncs] == ["other_epoch"]
            assert ids(after) == ids_of([early])
            async with here.screen(crm.signs_in(me), told[-1]["cursor"]) as old:
                _, resync = await heard(old, 2)
                assert (resync["type"], resync["reason"]) == ("resync", "other_epoch")
                await writer.publish(last := raised(me))
                assert ids([*await heard(client), *await heard(old)]) == ids_of([last, last])
            async with here.screen(crm.signs_in(me), resyncs[0]["cursor"]) as resumed:
                while ids(await heard(resumed)) != ids_of([last]):
                    pass  # it is ready, and has `early` again unless that came before the resync
            await writer.stop()
        assert here.process.running


async def test_it_is_ready_once_crm_has_told_its_keys(
    broker: OwnBroker, key_file: Path, tmp_path: Path
) -> None:
    crm, port = Crm(), free_port()
    process = ServiceProcess("notifier", environment(broker, crm, key_file, port), tmp_path)
    try:
        await process.start(until_ready=False)
        async with asyncio.timeout(30):
            while (said := await process.not_ready_because()) != ["crm's sign-in keys not here yet"]:
                assert said, "it was ready without"
                await asyncio.sleep(0.05)
        async with crm.serving():
            await process.ready()
            async with Notifier(process, crm, port).screen(crm.signs_in(uuid4())) as client:
                assert (await heard(client))[0]["type"] == "ready"
    finally:
        assert await process.stop() == 0


async def test_it_stops_in_order_with_a_word_to_its_clients_and_logs_only_json(
    broker: OwnBroker, crm: Crm, key_file: Path, tmp_path: Path
) -> None:
    async with running(broker, crm, key_file, tmp_path) as here:
        async with here.screen(token := crm.signs_in(uuid4())) as client:
            await heard(client)
            assert await here.process.metric("kaifu_sockets") == 1
            stopped = asyncio.create_task(here.process.stop())
            assert await close_code(client) == 1012
            assert await stopped == 0
        lines = here.process.log_lines()
        assert lines[-1]["event"] == "stopped"
        assert not {line["level"] for line in lines} & {"error", "critical"}
        assert token not in here.process.log()
