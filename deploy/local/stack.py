"""All of Kaifu on this machine: started in order, kept alive, stopped in order.

    async with Stack(Home(folder), Ports.free(), base=os.environ, tell=print) as stack:
        stack.addresses["app_url"]; stack.sign_ins; await stack.failed()

Used by `make up`, by the integration tests and by the benchmarks.
"""

import asyncio
import json
import math
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any, Self

from deploy.local import environment, logs
from deploy.local.brokers import PARTITIONS, chosen
from deploy.local.child import Child, Tell
from deploy.local.database_user import provide_user
from deploy.local.embedded import (
    PROGRAM,
    broker_with_topics,
    database_answers,
    database_command,
)
from deploy.local.environment import SERVICES, service_environment
from deploy.local.home import PARTS, Home, write_private
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.readiness import all_ready
from deploy.local.seed import known_sign_ins, seed
from deploy.local.supervisor import keep_alive
from shared.settings import KafkaSettings

READY_WITHIN_S = 180.0
_PROVED_AFTER_S = 10.0
# Doors close first; what writes stops before what it writes to.
_STOP_ORDER = (("ingest",), ("tracker", "logger"), ("crm",), ("notifier",), ("broker", "database"))
# The embedded broker forgets: crm restores its topics at its start, readers begin afresh. ingest goes
# on serving pixels meanwhile, into its spool.
_RESTARTED_WITH_BROKER = ("crm", "tracker", "logger", "notifier")


class Stack:
    """The seven processes.

    Raises UnknownBroker, AlreadyRunning, PortUnavailable before anything is started.
    """

    def __init__(
        self,
        home: Home,
        ports: Ports,
        *,
        base: Mapping[str, str],
        tell: Tell,
        services: Sequence[str] = SERVICES,
        seeded: bool = True,
    ) -> None:
        self.home = home
        self.ports = ports
        self.sign_ins: dict[str, Any] = {}
        self._base = base
        self._broker = chosen(base)
        self._tell = tell
        self._services = tuple(services)
        self._seeded = seeded
        self._children: dict[str, Child] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._broker_return: asyncio.Task[None] | None = None
        self._failure: asyncio.Future[None]
        self._held = ExitStack()

    @property
    def addresses(self) -> dict[str, Any]:
        """Where everything is: the public addresses, and what operators reach on loopback."""
        public = environment.public_addresses(self.ports, self._base)
        return {
            **{name.removeprefix("PUBLIC_").lower(): url for name, url in public.items()},
            "ops": self.ops_urls,
            "broker": f"{LOOPBACK}:{self.ports['broker']}",
            "database": f"{LOOPBACK}:{self.ports['database']}",
            "home": str(self.home.root),
            "pid": os.getpid(),
        }

    @property
    def ops_urls(self) -> dict[str, str]:
        """Service → base address of its probes and metrics."""
        return {name: f"http://{LOOPBACK}:{self.ports[f'ops_{name}']}" for name in self._services}

    @property
    def pids(self) -> dict[str, int]:
        """Part → process id, of what runs now."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    def environment_of(self, service: str) -> dict[str, str]:
        """The variables that the service's process gets."""
        return service_environment(service, self.home, self.ports, self._base)

    async def __aenter__(self) -> Self:
        self._failure = asyncio.get_running_loop().create_future()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def failed(self) -> None:
        """Wait for as long as all goes well; raises what went wrong (GaveUp, PartNotReady)."""
        await asyncio.wait({self._failure})
        self._failure.result()

    async def stop(self) -> None:
        """Stop everything in order; nothing is left running, whatever happens."""
        working = list(self._tasks)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        try:
            for group in _STOP_ORDER:
                children = [self._children[name] for name in group if name in self._children]
                await asyncio.gather(*(child.stop(self._tell) for child in children))
        finally:
            for child in self._children.values():
                child.kill()
            self._held.close()

    async def restart(self, part: str) -> None:
        """Stop one part and start it again, as an upgrade would."""
        await self._children[part].restart(self._tell)
        self._write_pids()

    @asynccontextmanager
    async def without(self, *parts: str, within_s: float = READY_WITHIN_S) -> AsyncIterator[None]:
        """These parts are down while the block runs; afterwards everything is ready again within that time.

        Raises PartNotReady.
        """
        async with AsyncExitStack() as stopped:
            for part in parts:
                await stopped.enter_async_context(self._children[part].stopped(self._tell))
            self._write_pids()
            yield
        self._write_pids()
        await self.ready(within_s)

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until every service says that it is ready. Raises PartNotReady."""
        await all_ready(self.ops_urls, within_s)

    @asynccontextmanager
    async def database_alone(self) -> AsyncIterator[Mapping[str, str]]:
        """The database answers while the block runs, nothing else; gives the environment of the services.

        Key rings that are missing are not made. Raises as starting the whole stack does.
        """
        self._failure = asyncio.get_running_loop().create_future()
        try:
            self._held.enter_context(self.home.held())
            self.ports.check()
            self.home.make_without_rings()
            url = environment.mongodb_url(self.ports)
            await provide_user(self.home, self._database(sign_in=False), url, self._tell)
            await self._start_child(self._database(sign_in=True))
            await self._unless_failed(database_answers(url))
            yield environment.whole_environment(self.home, self.ports, self._base)
        finally:
            await self.stop()

    async def _start(self) -> None:
        self._held.enter_context(self.home.held())
        self.ports.check()
        self.home.make()
        for part in PARTS:
            logs.rotate(self.home.log(part))
        await self._start_embedded()
        for service in self._services:
            command = self._service_command(service)
            await self._start_child(self._child(service, command, self.environment_of(service)))
        await self._unless_failed(self.ready())
        if self._seeded:
            if not known_sign_ins(self.home):
                self._tell("Making the demo account")
            self.sign_ins = await seed(self.home, self.environment_of("crm"))
        write_private(self.home.addresses, json.dumps(self.addresses, indent=2) + "\n")

    async def _start_embedded(self) -> None:
        self._tell("Starting broker and database")
        command = partial(self._broker.command, self.ports, self.home.kafka)
        broker = self._child("broker", command, self._base)
        await self._start_child(broker)
        url = environment.mongodb_url(self.ports)
        await provide_user(self.home, self._database(sign_in=False), url, self._tell)
        await self._start_child(self._database(sign_in=True))
        answers = asyncio.gather(broker_with_topics(self._kafka()), database_answers(url))
        await self._unless_failed(_only_done(answers))
        self._tell("Starting " + ", ".join(self._services))

    def _kafka(self) -> KafkaSettings:
        partitions = int(self._base.get("KAIFU_KAFKA_PARTITIONS", PARTITIONS))
        return KafkaSettings(bootstrap=f"{LOOPBACK}:{self.ports['broker']}", partitions=partitions)

    @staticmethod
    def _service_command(service: str) -> Callable[[], Sequence[str]]:
        return lambda: (sys.executable, "-m", f"services.{service}")

    def _database(self, *, sign_in: bool) -> Child:
        program = self._base.get(PROGRAM, "")
        command = database_command(
            self.ports["database"], self.home.database, sign_in=sign_in, program=program
        )
        return self._child("database", lambda: command, self._base)

    def _child(self, name: str, command: Callable[[], Sequence[str]], variables: Mapping[str, str]) -> Child:
        return Child(name, command, variables, self.home.log(name), self.home.root)

    async def _start_child(self, child: Child) -> None:
        self._children[child.name] = child
        await child.start()
        self._write_pids()
        self._begin(keep_alive(child, partial(self._proved, child.name), self._revive, self._tell))

    async def _proved(self, part: str) -> None:
        """Until a service is ready, or broker or database has lived a while."""
        if part in self._services:
            await all_ready({part: self.ops_urls[part]}, math.inf, look_every_s=1.0)
        else:
            await asyncio.sleep(_PROVED_AFTER_S)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # seen: nobody may be waiting while the stack stops

    async def _unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """Await the work, unless a part is given up first."""
        wanted = asyncio.ensure_future(work)
        failing = asyncio.ensure_future(self.failed())
        try:
            await asyncio.wait({wanted, failing}, return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            await wanted
        finally:
            for task in (wanted, failing):
                task.cancel()
            await asyncio.gather(wanted, failing, return_exceptions=True)

    async def _revive(self, child: Child) -> None:
        if child.name == "broker" and self._broker.forgets:
            await self._revive_empty(child)
            return
        if self._broker_return is not None:
            await asyncio.wait({self._broker_return})
        if child.pid is None:
            await child.restart(self._tell)
            self._write_pids()

    async def _revive_empty(self, broker: Child) -> None:
        """Nobody may speak to it before it has its topics: a client that asks for one makes it, and what is
        produced while the topic is made twice is acknowledged and lost, with all that follows it."""
        if self._broker_return is not None:
            self._broker_return.cancel()
            await asyncio.gather(self._broker_return, return_exceptions=True)
        for child in self._clients():
            child.pause()
        await broker.restart(self._tell)
        self._write_pids()
        self._broker_return = self._begin(self._return_of_broker())

    def _clients(self) -> list[Child]:
        """Those who speak to the broker."""
        return [child for name, child in self._children.items() if name in self._services]

    async def _return_of_broker(self) -> None:
        """The new broker is empty: topics first, then those who fill and read it from the start."""
        try:
            await broker_with_topics(self._kafka())
        finally:
            for child in self._clients():
                child.resume()
        names = [name for name in _RESTARTED_WITH_BROKER if name in self._children]
        self._tell("The new broker is empty: restarting " + ", ".join(names))
        children = [self._children[name] for name in names]
        await asyncio.gather(*(child.restart(self._tell) for child in children))
        self._write_pids()

    def _write_pids(self) -> None:
        write_private(self.home.processes, json.dumps(self.pids))


async def _only_done(work: "asyncio.Future[Any]") -> None:
    await work
