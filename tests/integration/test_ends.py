"""A process that is told to end while the broker is away ends in order and in bounded time."""

import asyncio
import signal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.local.ports import free_port
from services.ingest.adapters.spool import FileSpool
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing
from shared.tokens.tracking import PixelToken, seal_pixel
from tests.chaos.faults.f13_rolled import endings
from tests.integration.crm_keys import Crm
from tests.integration.own_broker import OwnBroker, ServiceProcess, own_broker

pytestmark = pytest.mark.integration
_NOBODY = "http://127.0.0.1:1"


def _services(
    broker: OwnBroker, crm: Crm, folder: Path, keys: Path, tracking_port: int
) -> list[ServiceProcess]:
    directory = {"KAIFU_DIRECTORY_URL": _NOBODY, "KAIFU_DIRECTORY_TOKEN": "service-token"}
    own = {
        "ingest": {
            **directory,
            "KAIFU_INGEST_API_PORT": str(free_port()),
            "KAIFU_INGEST_TRACKING_PORT": str(tracking_port),
            "KAIFU_INGEST_TRACKING_KEYS": str(keys),
            "KAIFU_INGEST_RECEIPT_KEYS": str(keys),
            "KAIFU_INGEST_SPOOL": str(folder / "spool"),
        },
        "tracker": {"KAIFU_TRACKER_STATE": str(folder / "tracker-cache")},
        "logger": directory,
        "notifier": {
            "KAIFU_NOTIFIER_PORT": str(free_port()),
            "KAIFU_NOTIFIER_CURSOR_KEYS": str(keys),
            "PUBLIC_APP_URL": crm.address,
        },
    }
    return [ServiceProcess(name, broker.environment() | more, folder) for name, more in own.items()]


@pytest.mark.parametrize("away", [signal.SIGSTOP, signal.SIGKILL], ids=["silent", "gone"])
async def test_without_a_broker_everybody_ends_in_order_within_its_grace(
    away: signal.Signals, tmp_path: Path
) -> None:
    """And a hit that was served meanwhile is on the disk."""
    keyring.create(keys := tmp_path / "keys.json")
    port, message_id = free_port(), uuid4()
    pixel = f"/o/{seal_pixel(KeyRing.load(keys), PixelToken(uuid4(), message_id))}.gif"
    async with own_broker() as broker, Crm().serving() as crm:
        services = _services(broker, crm, tmp_path, keys, port)
        try:
            await asyncio.gather(*(one.start() for one in services))
            broker.send(away)
            async with httpx.AsyncClient(timeout=20) as http:
                answer = await http.get(f"http://127.0.0.1:{port}{pixel}")
                assert answer.status_code == httpx.codes.OK
            for again in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
                for one in services:
                    one.send(again)
            grace_s = {name: ending.grace_s for name, ending in endings().items()}
            codes = await asyncio.gather(*(one.ended(min(grace_s[one.name], 60)) for one in services))
            assert codes == [0] * len(services), [one.log() for one in services]
        finally:
            for one in services:
                if one.running:
                    await one.stop(signal.SIGKILL)
    spool = FileSpool(tmp_path / "spool", 1 << 30)
    await spool.start()
    segment = await spool.oldest()
    await spool.stop()
    assert segment is not None
    assert str(message_id) in segment.records[0].value.decode()
