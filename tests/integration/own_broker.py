"""A broker of a test's own, and services as processes of their own, on free ports of loopback."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import kafka_container
from deploy.local.brokers import CONTAINER, PARTITIONS, chosen
from deploy.local.embedded import broker_with_topics
from deploy.local.ports import Ports, free_port
from shared.bus.consumer import consumer_client
from shared.settings import KafkaSettings
from tests.integration.client import UNHURRIED

START_WITHIN_S = 30.0


class OwnBroker:
    """The broker that KAIFU_BROKER names, with the topics of the catalogue; each start is another cluster."""

    def __init__(self, folder: Path) -> None:
        self._broker = chosen(os.environ)
        self._ports = Ports.free()
        self._folder = folder
        self._starts = 0
        self.port = self._ports["broker"]
        self._options = self._broker.settings_of("tracker") | UNHURRIED
        known = {name.removeprefix("KAIFU_KAFKA_").lower(): value for name, value in self._options.items()}
        self.settings = KafkaSettings.model_validate({"bootstrap": f"127.0.0.1:{self.port}", **known})
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, make_topics: Callable[[KafkaSettings], Awaitable[object]] | None = None) -> None:
        """Start it and make the topics: those of the catalogue, unless `make_topics` makes others."""
        self._starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *self._broker.command(self._ports, self._folder / str(self._starts)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        await (make_topics or broker_with_topics)(self.settings)

    async def kill(self) -> None:
        """It is gone, and with it all that it held."""
        if self._process is not None and self._process.returncode is None:
            self.send(signal.SIGKILL)
            self._process.kill()
            await self._process.wait()

    def send(self, wish: signal.Signals) -> None:
        """A signal: SIGSTOP makes it silent, SIGCONT goes on."""
        assert self._process is not None
        if self._broker is CONTAINER:
            kafka_container.send(self.port, wish)
        else:
            self._process.send_signal(wish)

    def environment(self) -> dict[str, str]:
        """What a service needs to reach it."""
        return {"KAIFU_KAFKA_BOOTSTRAP": self.settings.bootstrap, **self._options}

    @asynccontextmanager
    async def reader(self, topic: str, partitions: int = PARTITIONS) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of the whole topic from its beginning, outside of any group."""
        client = consumer_client(self.settings, None)
        await client.start()
        try:
            client.assign([TopicPartition(topic, number) for number in range(partitions)])
            await client.seek_to_beginning()
            yield client
        finally:
            await client.stop()


@asynccontextmanager
async def own_broker(
    make_topics: Callable[[KafkaSettings], Awaitable[object]] | None = None,
) -> AsyncIterator[OwnBroker]:
    """A started broker, killed at the end."""
    with tempfile.TemporaryDirectory(prefix="kaifu-broker-") as folder:
        broker = OwnBroker(Path(folder))
        try:
            await broker.start(make_topics)
            yield broker
        finally:
            await broker.kill()


class ServiceProcess:
    """`python -m services.<name>` in a working folder of its own, with its log in a file beside it."""

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.ops_port = free_port()
        self._environment = {**os.environ, **environment, "KAIFU_OPS_PORT": str(self.ops_port)}
        self._log = folder / f"{name}-{self.ops_port}.log"
        self.folder = self._log.with_suffix("")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *, until_ready: bool = True) -> None:
        """Start it and wait for its own readiness."""
        self.folder.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"services.{self.name}"),
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        if until_ready:
            await self.ready()

    async def ready(self) -> None:
        """Wait for `/health/ready`. AssertionError with the log if the process ends instead."""
        async with httpx.AsyncClient() as http, asyncio.timeout(START_WITHIN_S):
            while True:
                assert self.running, self.log()
                try:
                    answer = await http.get(f"http://127.0.0.1:{self.ops_port}/health/ready")
                    if answer.status_code == httpx.codes.OK:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)

    async def not_ready_because(self) -> list[str]:
        """What it says of itself; empty once it is ready."""
        try:
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"http://127.0.0.1:{self.ops_port}/health/ready")
        except httpx.HTTPError:
            return ["it does not answer"]
        return [] if answer.status_code == httpx.codes.OK else list(answer.json()["because"])

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.returncode is None

    async def stop(self, wish: int = signal.SIGTERM) -> int:
        """Ask it to stop; returns the exit code. TimeoutError if it takes longer than 15 s."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(wish)
        return await asyncio.wait_for(self._process.wait(), 15)

    def send(self, wish: signal.Signals) -> None:
        """A signal, unless it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(wish)

    async def ended(self, within_s: float) -> int:
        """Its exit code, once it ends by itself."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), within_s)

    async def metric(self, line_start: str) -> float:
        """The value of the metric line that begins so; 0.0 if there is none."""
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"http://127.0.0.1:{self.ops_port}/metrics")).text
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(line_start)]
        return float(values[0]) if values else 0.0

    def log(self) -> str:
        """All that it has written."""
        return self._log.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log as objects. ValueError for a line that is not JSON."""
        return [json.loads(line) for line in self.log().splitlines()]


@contextmanager
def paused(*services: ServiceProcess) -> Iterator[None]:
    """They do nothing while a new broker gets its topics: the embedded one loses what is produced to a topic
    that a client's question and the test make at once (ADR 0003)."""
    for one in services:
        one.send(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in services:
            one.send(signal.SIGCONT)


@asynccontextmanager
async def service(name: str, environment: Mapping[str, str], folder: Path) -> AsyncIterator[ServiceProcess]:
    """A ready service, killed at the end if it still runs."""
    process = ServiceProcess(name, environment, folder)
    try:
        await process.start()
        yield process
    finally:
        if process.running:
            await process.stop(signal.SIGKILL)
