"""Ingest as a process: durable before served, whatever broker and process do."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.ports import free_port
from services.ingest.adapters.spool import FileSpool
from shared.bus.producer import EventPublisher
from shared.events.base import Event
from shared.events.catalogue import HITS, SENDS
from shared.events.codec import decode
from shared.events.hits import HitRecorded
from shared.events.ids import new_id
from shared.events.revocations import RevocationScope, TrackingRevoked
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing
from shared.tokens.tracking import PixelToken, seal_pixel
from tests.integration.ingest.crm_stand_in import ACCOUNT, CrmStandIn, crm_stand_in
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker

pytestmark = pytest.mark.integration
GIF_BYTES = 43
PATIENCE_S = 45.0  # machines that run tests are busy


@dataclass
class Ingest:
    """The service with its folder, addresses and ring."""

    process: ServiceProcess
    folder: Path
    tracking: str
    api: str
    ring: KeyRing

    def pixel(self, message_id: UUID) -> str:
        """The address of a message's pixel."""
        return f"{self.tracking}/o/{seal_pixel(self.ring, PixelToken(ACCOUNT, message_id))}.gif"

    async def load(self, message_id: UUID) -> float:
        """Load the pixel as a reader does; the seconds that it took."""
        async with httpx.AsyncClient() as http:
            began = time.perf_counter()
            answer = await http.get(self.pixel(message_id), headers={"X-Forwarded-For": "203.0.113.9"})
        assert answer.status_code == httpx.codes.OK
        assert len(answer.content) == GIF_BYTES
        return time.perf_counter() - began

    async def spooled(self) -> list[HitRecorded]:
        """What an ended process has left on the disk."""
        spool = FileSpool(self.folder / "spool", 1 << 30)
        await spool.start()
        segment = await spool.oldest()
        await spool.stop()
        records = segment.records if segment else ()
        return [_hit(decode(HITS.name, record.value)) for record in records]


def _hit(event: Event) -> HitRecorded:
    assert isinstance(event, HitRecorded)
    return event


def _ingest(folder: Path, environment: dict[str, str], crm: str = "http://127.0.0.1:1") -> Ingest:
    keys = folder / "keys.json"
    keyring.create(keys)
    ports = free_port(), free_port()
    ours = {
        "KAIFU_INGEST_API_PORT": str(ports[0]),
        "KAIFU_INGEST_TRACKING_PORT": str(ports[1]),
        "KAIFU_INGEST_TRACKING_KEYS": str(keys),
        "KAIFU_INGEST_RECEIPT_KEYS": str(keys),
        "KAIFU_INGEST_SPOOL": str(folder / "spool"),
        "KAIFU_INGEST_TRUSTED_PROXIES": "127.0.0.0/8",
        "KAIFU_INGEST_BROKER_TIMEOUT_MS": "1000",
        "KAIFU_INGEST_ACKNOWLEDGED_WITHIN_MS": "250",
        "KAIFU_DIRECTORY_URL": crm,
        "KAIFU_DIRECTORY_TOKEN": "service-token",
        "PUBLIC_APP_URL": crm,
        "KAIFU_TELEMETRY_TRACE_RATIO": "1.0",
    }
    return Ingest(
        ServiceProcess("ingest", environment | ours, folder),
        folder,
        f"http://127.0.0.1:{ports[1]}",
        f"http://127.0.0.1:{ports[0]}",
        KeyRing.load(keys),
    )


@pytest.fixture
async def broker() -> AsyncIterator[OwnBroker]:
    async with own_broker() as broker:
        yield broker


@pytest.fixture
async def ingest(broker: OwnBroker, tmp_path: Path) -> AsyncIterator[Ingest]:
    ingest = _ingest(tmp_path, broker.environment())
    try:
        await ingest.process.start()
        yield ingest
    finally:
        await _ended(ingest)


async def _ended(ingest: Ingest) -> None:
    if ingest.process.running:
        await ingest.process.stop(signal.SIGKILL)


async def _records(broker: OwnBroker, topic: str, count: int) -> list[Any]:
    """The first `count` messages of a topic, whichever partition they are on."""
    found: list[Any] = []
    async with broker.reader(topic) as client, asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            for batch in (await client.getmany(timeout_ms=200)).values():
                found += batch
    return found


async def _until(process: ServiceProcess, metric: str, value: float) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await process.metric(metric) != value:
            await asyncio.sleep(0.05)


async def _until_serving(ingest: Ingest) -> None:
    """Its listeners answer; it may not be ready."""
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE_S):
        while True:
            assert ingest.process.running, ingest.process.log()
            try:
                await http.get(ingest.tracking)
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.requirement("T2")
async def test_a_pixel_is_a_hit_on_the_topic_in_a_trace(ingest: Ingest, broker: OwnBroker) -> None:
    message_id = new_id()
    await ingest.load(message_id)
    (record,) = await _records(broker, HITS.name, 1)
    hit = _hit(decode(HITS.name, record.value))
    assert (hit.account_id, hit.message_id, hit.client_address) == (ACCOUNT, message_id, "203.0.113.9")
    assert record.key.decode() == str(message_id)
    flags = int(dict(record.headers)["traceparent"].rpartition(b"-")[2], 16)
    assert flags & 1, "sampled"
    assert await ingest.process.stop() == 0
    log = ingest.process.log()
    assert "203.0.113.9" not in log
    assert str(message_id) not in log


@pytest.mark.requirement("T9")
async def test_a_stalled_broker_delays_nobody_and_loses_nothing(ingest: Ingest, broker: OwnBroker) -> None:
    before, during = new_id(), [new_id() for _ in range(5)]
    await ingest.load(before)
    broker.send(signal.SIGSTOP)
    try:
        slowest = max([await ingest.load(message_id) for message_id in during])
        assert slowest < 1.0, "none waits for the request to time out"
        assert await ingest.process.metric("kaifu_spool_records") == len(during)
    finally:
        broker.send(signal.SIGCONT)
    await _until(ingest.process, "kaifu_spool_records", 0)
    records = await _records(broker, HITS.name, 1 + len(during))
    hits = {hit.event_id: hit.message_id for hit in (_hit(decode(HITS.name, one.value)) for one in records)}
    assert sorted(hits.values()) == sorted([before, *during]), "each once by event id"
    after = new_id()
    await ingest.load(after)
    assert await ingest.process.metric('kaifu_hits_total{durable="broker",endpoint="pixel"}') == 2.0


@pytest.mark.requirement("T9")
async def test_kill_9_with_the_broker_away_keeps_every_served_hit(tmp_path: Path) -> None:
    broker = OwnBroker(tmp_path / "broker")
    ingest = _ingest(tmp_path, broker.environment())
    messages = [new_id() for _ in range(20)]
    try:
        await ingest.process.start(until_ready=False)
        await _until_serving(ingest)
        for message_id in messages:
            await ingest.load(message_id)
        await ingest.process.stop(signal.SIGKILL)
        spooled = await ingest.spooled()
        assert [hit.message_id for hit in spooled] == messages

        await broker.start()
        await ingest.process.start()
        await _until(ingest.process, "kaifu_spool_records", 0)
        records = await _records(broker, HITS.name, len(messages))
        arrived = {_hit(decode(HITS.name, one.value)).event_id for one in records}
        assert arrived == {hit.event_id for hit in spooled}, "under the ids they were served with"
        assert not list((tmp_path / "spool").glob("*.spool"))
    finally:
        await _ended(ingest)
        await broker.kill()


@pytest.mark.requirement("T9")
async def test_a_peer_that_accepts_and_never_answers_is_no_broker(tmp_path: Path) -> None:
    accepted = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ingest = _ingest(tmp_path, {"KAIFU_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"})
    try:
        await ingest.process.start(until_ready=False)
        await _until_serving(ingest)
        await accepted.wait()
        message_id = new_id()
        await ingest.load(message_id)
        async with httpx.AsyncClient() as http:
            ready = await http.get(f"http://127.0.0.1:{ingest.process.ops_port}/health/ready")
        assert ready.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "revocations is starting" in ready.json()["because"]
        assert await ingest.process.stop() == 0, "an orderly end without a broker"
        assert [hit.message_id for hit in await ingest.spooled()] == [message_id]
    finally:
        await _ended(ingest)
        server.close()


@pytest.mark.requirement("P4", "A4")
async def test_what_is_revoked_is_served_and_not_recorded(ingest: Ingest, broker: OwnBroker) -> None:
    revoked, other = new_id(), new_id()
    publisher = EventPublisher(broker.settings)
    await publisher.start()
    await publisher.publish(
        TrackingRevoked(
            event_id=new_id(),
            occurred_at=datetime.now(UTC),
            account_id=ACCOUNT,
            scope=RevocationScope.MESSAGE,
            subject_id=revoked,
            reason="legal_basis_withdrawn",
        )
    )
    await publisher.stop()
    await _until(ingest.process, 'kaifu_events_consumed_total{topic="email.revocations"}', 1.0)
    await ingest.load(revoked)
    assert await ingest.process.stop() == 0
    await ingest.process.start()  # ready means: it knows them all
    await ingest.load(revoked)
    await ingest.load(other)
    records = await _records(broker, HITS.name, 1)
    assert [_hit(decode(HITS.name, one.value)).message_id for one in records] == [other]
    assert await ingest.process.metric('kaifu_revoked_hits_total{endpoint="pixel"}') == 1.0


@pytest.mark.requirement("T9")
async def test_sent_is_accepted_only_when_the_broker_has_it(broker: OwnBroker, tmp_path: Path) -> None:
    async with crm_stand_in() as crm:
        ingest = _ingest(tmp_path, broker.environment(), crm.address)
        await ingest.process.start()
        try:
            await _report_sent(ingest, broker, crm)
        finally:
            await _ended(ingest)


@pytest.mark.requirement("T9")
async def test_one_account_s_excess_is_refused_and_one_address_s_is_counted(
    broker: OwnBroker, tmp_path: Path
) -> None:
    quotas = {
        "KAIFU_INGEST_ACCOUNT_REQUESTS_PER_S": "0.01",
        "KAIFU_INGEST_ACCOUNT_REQUESTS_BURST": "3",
        "KAIFU_INGEST_TOKEN_HITS_PER_S": "0.01",
        "KAIFU_INGEST_TOKEN_HITS_BURST": "2",
    }
    busy, quiet = new_id(), new_id()
    async with crm_stand_in() as crm:
        ingest = _ingest(tmp_path, broker.environment() | quotas, crm.address)
        await ingest.process.start()
        try:
            for message_id in (busy, busy, busy, quiet, busy):
                await ingest.load(message_id)
            hits = [_hit(decode(HITS.name, one.value)) for one in await _records(broker, HITS.name, 3)]
            assert sorted(hit.message_id for hit in hits) == sorted([busy, busy, quiet])
            assert await ingest.process.metric('kaifu_hits_folded_total{endpoint="pixel"}') == 2.0
            headers = {"Authorization": f"Bearer {crm.token()}"}
            other = {"Authorization": f"Bearer {crm.token(UUID(int=0xC))}"}
            async with httpx.AsyncClient(base_url=ingest.api, timeout=10) as http:
                viewed = {"message_ids": [str(busy)]}
                answers = [await http.post("/v1/viewing", json=viewed, headers=headers) for _ in range(4)]
                assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
                assert answers[-1].json()["type"] == "urn:kaifu:problem:too-many-requests"
                assert 90 <= int(answers[-1].headers["retry-after"]) <= 101
                assert (await http.post("/v1/viewing", json=viewed, headers=other)).status_code == 202
        finally:
            await _ended(ingest)


async def _report_sent(ingest: Ingest, broker: OwnBroker, crm: CrmStandIn) -> None:
    mail = {
        "from": {"address": "rep@own.example"},
        "to": [{"address": "a@x.example"}],
        "links": ["https://example.com/?q=%E4%BE%8B&a=b"],
        "track": True,
        "log": True,
    }
    headers = {"Authorization": f"Bearer {crm.token()}", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    async with httpx.AsyncClient(base_url=ingest.api, headers=headers, timeout=10) as http:
        prepared = (await http.post("/v1/messages", json=mail)).json()
        path = f"/v1/messages/{prepared['message_id']}/sent"
        for _ in range(2):
            answer = await http.post(path, json={"receipt": prepared["receipt"]})
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        first, second = await _records(broker, SENDS.name, 2)
        events = [decode(SENDS.name, one.value) for one in (first, second)]
        assert events[0].event_id == events[1].event_id
        assert first.partition == second.partition
        assert dict(first.headers)["traceparent"].decode().startswith(f"00-{'ab' * 16}-"), (
            "the caller's trace"
        )

        link = await http.get(
            prepared["links"][0]["tracked_url"].replace("http://127.0.0.1:8802", ingest.tracking)
        )
        assert link.status_code == httpx.codes.FOUND
        assert link.headers["location"] == mail["links"][0]  # type: ignore[index]
        (hit,) = await _records(broker, HITS.name, 1)
        assert hit.partition == first.partition, "hits meet their message"

        await broker.kill()
        answer = await http.post(path, json={"receipt": prepared["receipt"]})
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["type"] == "urn:kaifu:problem:broker-unavailable"
