"""What each service is told by its environment."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from deploy.local.environment import EXTENSION_ID, SERVICES, service_environment
from deploy.local.home import RINGS, Home, write_private
from deploy.local.ports import Ports
from shared.settings import KafkaSettings, OpsSettings, PublicAddresses

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    write_private(home.database_password_file, "of-the-database")
    return home


def test_shared_settings_read_what_is_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = Ports.free()
    for name, value in service_environment("tracker", home, ports, {}).items():
        monkeypatch.setenv(name, value)
    kafka = KafkaSettings()
    assert kafka.bootstrap == f"127.0.0.1:{ports['broker']}"
    assert kafka.fetch_max_wait_ms == 5
    assert OpsSettings().port == ports["ops_tracker"]
    assert PublicAddresses().push_url == f"ws://127.0.0.1:{ports['notifier']}"


def test_a_public_tracking_address_of_the_caller_wins(home: Home) -> None:
    base = {"PUBLIC_TRACKING_URL": "https://t.example.com", "KAIFU_CRM_PORT": "1"}
    crm = service_environment("crm", home, Ports.free(), base)
    assert crm["PUBLIC_TRACKING_URL"] == "https://t.example.com"
    assert crm["KAIFU_CRM_PORT"] != "1", "ports are the runner's"


def test_keys_go_only_to_whom_they_belong(home: Home) -> None:
    ports = Ports.free()
    by_service = {name: service_environment(name, home, ports, {}) for name in SERVICES}
    holders = {name for name, variables in by_service.items() if "KAIFU_DIRECTORY_TOKEN" in variables}
    assert holders == {"crm", "ingest", "logger", "tracker"}
    assert [name for name in SERVICES if "KAIFU_CRM_SIGNING_KEYS" in by_service[name]] == ["crm"]
    knowing = [name for name in SERVICES if "of-the-database" in "".join(by_service[name].values())]
    assert knowing == ["crm"]
    readers = {
        ring: [name for name in SERVICES if str(home.ring(ring)) in by_service[name].values()]
        for ring in RINGS
    }
    assert readers == {"tracking": ["ingest"], "receipts": ["crm", "ingest"], "cursors": ["notifier"]}
    assert by_service["ingest"]["KAIFU_INGEST_RECEIPT_KEYS"] == by_service["crm"]["KAIFU_CRM_RECEIPT_KEYS"]


def test_the_extension_that_is_built_here_may_connect() -> None:
    manifest = json.loads((ROOT / "extension" / "manifest.json").read_text())
    digest = hashlib.sha256(base64.b64decode(manifest["key"])).hexdigest()[:32]
    assert "".join(chr(ord("a") + int(digit, 16)) for digit in digest) == EXTENSION_ID
