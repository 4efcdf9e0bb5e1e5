"""The product under test: Apache Kafka behind a fault proxy, the database, and workers of each service."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy.local import environment
from deploy.local.brokers import APACHE, PARTITIONS, VARIABLE
from deploy.local.child import Child
from deploy.local.database_user import USER, provide_user
from deploy.local.embedded import broker_with_topics, database_answers, database_command
from deploy.local.environment import service_environment
from deploy.local.home import Home
from deploy.local.ports import LOOPBACK, Ports, free_port
from deploy.local.rep import Json
from deploy.local.seed import seed
from shared.settings import KafkaSettings
from tests.chaos.front import Front
from tests.chaos.workers import Worker
from tests.fault_proxy import FaultProxy
from tests.integration.client import clean_environment

SESSION_TIMEOUT_S = 6.0  # deploy/local/brokers.py
_STARTED = {"crm": 1, "ingest": 1, "tracker": 2, "logger": 2, "notifier": 2}
Command = Callable[[], Sequence[str]]
_DOORS = {
    "crm": ("KAIFU_CRM_PORT",),
    "ingest": ("KAIFU_INGEST_API_PORT", "KAIFU_INGEST_TRACKING_PORT"),
    "notifier": ("KAIFU_NOTIFIER_PORT",),
}


class Stack:
    """`async with Stack(folder) as stack`: started, seeded, ready; nothing is left at the end."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.ports = Ports.free()
        self.sign_ins: Json = {}
        self.workers: dict[str, list[Worker]] = {}
        self._behind_proxy = free_port()
        self.broker_proxy = FaultProxy(self._behind_proxy)
        self._base = clean_environment() | {VARIABLE: APACHE.name, "KAIFU_TELEMETRY_TRACE_RATIO": "0"}
        self._children: list[Child] = []
        self.fronts: dict[str, Front] = {}

    @property
    def kafka(self) -> KafkaSettings:
        """The broker itself, not through the proxy."""
        return KafkaSettings(bootstrap=f"{LOOPBACK}:{self.ports['broker']}", partitions=PARTITIONS)

    @property
    def mongodb_url(self) -> str:
        """The database, as crm reaches it."""
        return environment.mongodb_url(self.ports, USER, self.home.database_password_file.read_text())

    @property
    def addresses(self) -> Json:
        """As in run/addresses.json."""
        public = environment.public_addresses(self.ports, self._base)
        return {name.removeprefix("PUBLIC_").lower(): url for name, url in public.items()}

    @property
    def push_ports(self) -> list[int]:
        """Of the notifier's replicas."""
        return [int(worker.environment["KAIFU_NOTIFIER_PORT"]) for worker in self.workers["notifier"]]

    @property
    def ingest(self) -> Worker:
        """The first of its replicas, mostly the only one."""
        return self.workers["ingest"][0]

    def all(self) -> Iterator[Worker]:
        """Every worker of every service."""
        for workers in self.workers.values():
            yield from workers

    async def __aenter__(self) -> "Stack":
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop everything, by force: what is to be known is known."""
        for worker in self.all():
            await worker.down()
        for child in self._children:
            child.kill()
            await child.stop(lambda _: None)
        for proxy in (self.broker_proxy, *self.fronts.values()):
            await proxy.close()

    async def ready(self) -> None:
        """Wait for every worker. TimeoutError."""
        await asyncio.gather(*(worker.ready() for worker in self.all()))

    async def scale(self, service: str, count: int) -> None:
        """Start or stop workers until there are so many, in order as an operator does."""
        workers = self.workers.setdefault(service, [])
        gone, workers[count:] = workers[count:], []
        await asyncio.gather(*(worker.stop() for worker in gone))
        while len(workers) < count:
            await self.add(service)

    async def add(self, service: str, **more: str) -> Worker:
        """Start another worker of a service, with these variables beside its own."""
        workers = self.workers.setdefault(service, [])
        taken = {worker.name for worker in workers}
        number = next(number for number in itertools.count(1) if f"{service}-{number}" not in taken)
        worker = self._worker(service, number)
        worker.environment |= more
        workers.append(worker)
        await worker.start()
        return worker

    async def kill_broker(self) -> None:
        """SIGKILL; what it had acknowledged is on its disk or in the page cache."""
        self.broker.kill()
        await self.broker.stop(lambda _: None)

    async def start_broker(self) -> None:
        """Start it on its files and wait for its topics."""
        await self.broker.start()
        await broker_with_topics(self.kafka)

    async def restart_database(self, pause_s: float = 0.0) -> None:
        """SIGKILL, a pause, and a start on its files."""
        self.database.kill()
        await self.database.stop(lambda _: None)
        await asyncio.sleep(pause_s)
        await self.database.start()
        await database_answers(environment.mongodb_url(self.ports))

    def suspend_database(self) -> None:
        """It takes requests and answers none."""
        assert self.database.pid is not None
        os.kill(self.database.pid, signal.SIGSTOP)

    async def _start(self) -> None:
        self.home.make()
        await self.broker_proxy.open()
        self.broker = self._child("broker", self._broker_command)
        await self.broker.start()
        url = environment.mongodb_url(self.ports)
        await provide_user(self.home, self._child("database", self._open_database), url, print)
        self.database = self._child("database", self._closed_database)
        await self.database.start()
        await asyncio.gather(broker_with_topics(self.kafka), database_answers(url))
        for service, count in _STARTED.items():
            await self.scale(service, count)
        self.sign_ins = await seed(self.home, self.workers["crm"][0].environment)
        await self.ready()

    def _child(self, name: str, command: Command) -> Child:
        child = Child(name, command, self._base, self.home.log(name), self.home.root)
        self._children.append(child)
        return child

    def _broker_command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "deploy.local.kafka"),
            *("--port", str(self.ports["broker"])),
            *("--controller-port", str(self.ports["controller"])),
            *("--proxied", str(self._behind_proxy), str(self.broker_proxy.port)),
            *("--folder", str(self.home.kafka)),
        ]

    def _open_database(self) -> list[str]:
        return list(database_command(self.ports["database"], self.home.database, sign_in=False))

    def _closed_database(self) -> list[str]:
        return list(database_command(self.ports["database"], self.home.database, sign_in=True))

    def _worker(self, service: str, number: int) -> Worker:
        name = f"{service}-{number}"
        own = {
            **service_environment(service, self.home, self.ports, self._base),
            "KAIFU_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{self.broker_proxy.port}",
            "KAIFU_OPS_PORT": str(free_port()),
        }
        if number > 1:
            own |= {door: str(free_port()) for door in _DOORS.get(service, ())}
        if number > 1 and service == "ingest":
            own["KAIFU_INGEST_SPOOL"] = str(self.home.root / f"{name}-spool")
        if service == "tracker":
            own["KAIFU_TRACKER_STATE"] = str(self.home.root / name)
        return Worker(name, f"services.{service}", own, self.home.logs)
