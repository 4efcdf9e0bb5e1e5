"""The logger as a process of its own, on a broker of its own, with a crm that the test plays."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from shared.bus.dead_letters import ORIGIN, REASON
from shared.bus.producer import EventPublisher
from shared.directory.contract import LogInputs, RecipientInput, TickedRecord
from shared.events.catalogue import LOG_DECISIONS, NOTIFICATIONS, SENDS
from shared.events.codec import decode
from shared.events.ids import derived_id
from shared.events.log_decisions import LogDecided, LogOutcome, RecordType
from shared.events.notifications import NotificationRaised
from shared.events.sends import MessageSent
from tests import sends
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker, service
from tests.integration.serving import serving

pytestmark = pytest.mark.integration
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01".encode()


class Crm:
    """crm's directory over HTTP: knows what it is told, may be away, may refuse."""

    def __init__(self) -> None:
        self.port = free_port()
        self.known: dict[UUID, LogInputs] = {}
        self.asked: list[UUID] = []
        self.traces: list[str] = []
        self.away = False
        self.answers_after_s = 0.0
        self.asked_again = asyncio.Event()

    def knows(self, sent: MessageSent, *, account_logging: bool = True) -> None:
        """Its one recipient is a contact that was ticked."""
        contact = uuid4()
        self.known[sent.message_id] = LogInputs(
            message_id=sent.message_id,
            account_id=sent.account_id,
            user_id=sent.user_id,
            sender_is_ours=True,
            log_asked=True,
            account_logging=account_logging,
            recipients=(RecipientInput(slot=0, contact_id=contact, never_logged_by=None),),
            ticked=(TickedRecord(record_type=RecordType.CONTACT, record_id=contact, exists=True),),
        )

    def _answer(self, message_id: UUID) -> tuple[int, str]:
        if self.away:
            return 503, ""
        if message_id not in self.known:
            return 404, '{"type":"urn:kaifu:problem:not-found","title":"t","status":404,"detail":"d"}'
        return 200, self.known[message_id].model_dump_json()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        message_id = UUID(scope["path"].split("/")[4])
        self.asked.append(message_id)
        self.traces += [value.decode() for name, value in scope["headers"] if name == b"traceparent"]
        if self.asked.count(message_id) >= 3:
            self.asked_again.set()
        await asyncio.sleep(self.answers_after_s)
        status, body = self._answer(message_id)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Crm"]:
        """Listen while the block runs."""
        async with serving(self, self.port):
            yield self


def mail() -> MessageSent:
    now = datetime.now(UTC)
    return sends.sent(now, now)


def environment(broker: OwnBroker, crm: Crm, **more: str) -> dict[str, str]:
    return {
        **broker.environment(),
        "KAIFU_DIRECTORY_URL": f"http://127.0.0.1:{crm.port}",
        "KAIFU_DIRECTORY_TOKEN": "test",
        "KAIFU_DIRECTORY_DEADLINE_S": "5",
        **more,
    }


@pytest_asyncio.fixture(scope="module")
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def crm() -> AsyncIterator[Crm]:
    async with Crm().serving() as serving:
        yield serving


@asynccontextmanager
async def publishing(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    client = EventPublisher(broker.settings)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@pytest_asyncio.fixture(scope="module")
async def publisher(broker: OwnBroker) -> AsyncIterator[EventPublisher]:
    async with publishing(broker) as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def logger(
    broker: OwnBroker, crm: Crm, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServiceProcess]:
    async with service("logger", environment(broker, crm), tmp_path_factory.mktemp("logger")) as running:
        yield running


async def records(
    broker: OwnBroker, topic: str, wanted: Any, count: int = 1, partitions: int = 4
) -> list[Any]:
    """The first `count` records of the topic that are `wanted`. TimeoutError after a minute."""
    found: list[Any] = []
    async with broker.reader(topic, partitions) as client, asyncio.timeout(60):
        while len(found) < count:
            record = await client.getone()
            if wanted(record):
                found.append(record)
    return found


def about(message_id: UUID) -> Any:
    return lambda record: record.key == str(message_id).encode()


async def decisions(broker: OwnBroker, sent: MessageSent, count: int = 1) -> list[LogDecided]:
    found = await records(broker, LOG_DECISIONS.name, about(sent.message_id), count)
    events = [decode(LOG_DECISIONS.name, record.value) for record in found]
    assert all(isinstance(event, LogDecided) for event in events)
    return events  # type: ignore[return-value]


@pytest.mark.requirement("L2", "L13")
async def test_a_sent_mail_is_decided_on_in_its_own_trace(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    sent = mail()
    crm.knows(sent)
    await publisher.publish(sent, [("traceparent", TRACEPARENT)])
    (record,) = await records(broker, LOG_DECISIONS.name, about(sent.message_id))
    decided = decode(LOG_DECISIONS.name, record.value)
    assert isinstance(decided, LogDecided)
    assert decided.outcome is LogOutcome.LOGGED
    assert decided.event_id == derived_id("log-decided", sent.message_id, decided.ruleset_version)
    assert TRACE_ID in dict(record.headers)["traceparent"].decode()
    assert any(TRACE_ID in trace for trace in crm.traces)


@pytest.mark.requirement("L13")
async def test_a_refused_log_tells_the_rep(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    sent = mail()
    crm.knows(sent, account_logging=False)
    await publisher.publish(sent)
    (decided,) = await decisions(broker, sent)
    assert decided.outcome is LogOutcome.NOT_LOGGED
    (record,) = await records(broker, NOTIFICATIONS.name, about(sent.user_id))
    raised = decode(NOTIFICATIONS.name, record.value)
    assert isinstance(raised, NotificationRaised)
    assert (raised.message_id, raised.reason) == (sent.message_id, "account-logging-off")


async def test_it_writes_no_file(logger: ServiceProcess) -> None:
    """Faust would make folders for tables; in a container the file system is read-only."""
    assert list(logger.folder.iterdir()) == []


async def test_poison_and_unknown_mails_are_set_aside_and_the_next_is_decided(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    unknown, good = mail(), mail()
    crm.knows(good)
    key = str(good.message_id).encode()  # the same partition: what follows must not be stuck behind it
    for poison in (b"{not json", b'{"type":"message_sent"}', b'{"type":"of_the_future"}', None):
        await publisher.publish_raw(SENDS.name, key, poison, [])
    await publisher.publish(unknown)
    await publisher.publish(good)
    assert (await decisions(broker, good))[0].outcome is LogOutcome.LOGGED
    letters = await records(broker, SENDS.dead_letters, lambda _: True, 5, partitions=1)
    reasons = sorted(dict(letter.headers)[REASON].decode().split(":")[0] for letter in letters)
    assert reasons == ["undecodable"] * 4 + ["unknown-message"]
    assert all(dict(letter.headers)[ORIGIN].startswith(b"email.sends/") for letter in letters)
    assert await logger.metric('kaifu_dead_letters_total{reason="unknown-message"') == 1


async def test_while_crm_is_away_a_mail_waits_and_a_restart_loses_nothing(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    sent = mail()
    crm.knows(sent)
    crm.away = True
    crm.asked_again.clear()
    try:
        await publisher.publish(sent)
        await asyncio.wait_for(crm.asked_again.wait(), 10)
        assert await logger.stop() == 0  # in the middle of the wait: not acked, not committed
        await logger.start()
    finally:
        crm.away = False
    assert (await decisions(broker, sent))[0].outcome is LogOutcome.LOGGED


async def test_killed_between_decision_and_commit_it_repeats_the_same_ids(
    broker: OwnBroker, crm: Crm, publisher: EventPublisher, logger: ServiceProcess, tmp_path: Path
) -> None:
    """Nothing is committed for an hour, so the kill falls between the effect and its commit."""
    assert await logger.stop() == 0
    environ = environment(broker, crm, KAIFU_LOGGER_COMMIT_INTERVAL_S="3600")
    sent = [mail() for _ in range(8)]
    for message in sent:
        crm.knows(message, account_logging=False)
    async with service("logger", environ, tmp_path) as hasty:
        for message in sent:
            await publisher.publish(message)
        first = [(await decisions(broker, message))[0] for message in sent]
        await hasty.stop(signal.SIGKILL)
    await logger.start()
    for message, before in zip(sent, first, strict=True):
        before_and_after = await decisions(broker, message, 2)
        assert {event.event_id for event in before_and_after} == {before.event_id}
        raised = await records(broker, NOTIFICATIONS.name, about(message.user_id), 2)
        assert len({json.loads(record.value)["event_id"] for record in raised}) == 1


async def test_after_a_clean_stop_nothing_is_decided_again(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    before = mail()
    crm.knows(before)
    await publisher.publish(before)
    await decisions(broker, before)
    assert await logger.stop() == 0
    await logger.start()
    after = [mail() for _ in range(8)]  # all partitions have moved on once these are through
    for message in after:
        crm.knows(message)
        await publisher.publish(message)
        await decisions(broker, message)
    assert crm.asked.count(before.message_id) == 1


async def test_what_it_has_in_hand_when_asked_to_stop_is_finished_first(
    logger: ServiceProcess, broker: OwnBroker, crm: Crm, publisher: EventPublisher
) -> None:
    in_hand = mail()
    crm.knows(in_hand)
    crm.answers_after_s = 0.5
    try:
        await publisher.publish(in_hand)
        async with asyncio.timeout(30):
            while in_hand.message_id not in crm.asked:
                await asyncio.sleep(0.02)
        assert await logger.stop() == 0
    finally:
        crm.answers_after_s = 0.0
    assert (await decisions(broker, in_hand))[0].outcome is LogOutcome.LOGGED
    assert crm.asked.count(in_hand.message_id) == 1
    await logger.start()


async def test_on_a_broker_that_started_anew_it_ends_to_be_started_again(crm: Crm, tmp_path: Path) -> None:
    """Offsets of the old broker would make Faust drop every new event."""
    async with own_broker() as fresh, service("logger", environment(fresh, crm), tmp_path) as running:
        sent = mail()
        crm.knows(sent)
        async with publishing(fresh) as writer:
            await writer.publish(sent)
            await decisions(fresh, sent)
        await fresh.kill()
        await fresh.start()
        assert await running.ended(within_s=30) == 1
        assert "the broker is another one now" in running.log()
        await running.start()
        async with publishing(fresh) as writer:
            await writer.publish(sent)
            assert (await decisions(fresh, sent))[0].outcome is LogOutcome.LOGGED


async def test_it_stops_in_order_and_logs_only_json(logger: ServiceProcess) -> None:
    assert await logger.stop() == 0
    lines = logger.log_lines()
    assert lines[-1]["event"] == "stopped"
    assert not [line for line in lines if line["level"] in ("error", "critical") or "exception" in line]
    await logger.start()


async def test_too_many_dead_letters_stop_it_and_mended_it_goes_on(tmp_path: Path) -> None:
    """As when crm's database was emptied: no mail is known, and the topic must not drain away."""
    mails, limit = [mail() for _ in range(60)], 50
    async with own_broker() as broker, Crm().serving() as crm, publishing(broker) as publisher:
        quick = {"KAIFU_KAFKA_SESSION_TIMEOUT_MS": "3000", "KAIFU_KAFKA_HEARTBEAT_INTERVAL_MS": "300"}
        async with service("logger", environment(broker, crm, **quick), tmp_path) as logger:
            await publisher.publish_all((sent, None) for sent in mails)
            async with asyncio.timeout(30):
                while await logger.metric('kaifu_consumer_stopped{consumer="logger"}') != 1:
                    await asyncio.sleep(0.05)
            letters = await records(broker, SENDS.dead_letters, lambda _: True, limit, partitions=1)
            assert {dict(letter.headers)[REASON] for letter in letters} == {b"unknown-message"}
            assert await logger.metric("kaifu_dead_letters_total{") == limit
            assert logger.running, "it stands still: a restart would set as many more aside"
            assert await logger.stop() == 0
            for sent in mails:
                crm.knows(sent)
            await logger.start()
            aside = {letter.key for letter in letters}
            all_of_them = {str(sent.message_id).encode() for sent in mails}
            await all_decided(broker, all_of_them - aside)
            assert await kaifu(broker, "dlq", "replay", SENDS.name) == 0
            await all_decided(broker, all_of_them)


async def all_decided(broker: OwnBroker, keys: set[bytes]) -> None:
    """Each of these messages; what is told again has the same id. TimeoutError after a minute."""
    told: dict[bytes, set[UUID]] = {}
    async with broker.reader(LOG_DECISIONS.name, 4) as client, asyncio.timeout(60):
        while told.keys() != keys:
            record = await client.getone()
            if record.key in keys:
                told.setdefault(record.key, set()).add(decode(LOG_DECISIONS.name, record.value).event_id)
    assert {len(ids) for ids in told.values()} == {1}


async def kaifu(broker: OwnBroker, *arguments: str) -> int:
    """The exit code of the command line, as an operator runs it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from shared.cli import main; main()", *arguments),
        env={**os.environ, **broker.environment()},
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), 30)
