"""The notifier's fan-out beside a bare `websockets.broadcast` loop: CPU per message, memory per client.

Both hold as many clients as the machine takes, all of them through all rounds. They read the same records:
the notifier from `notifications`, the loop from a topic of its own, so that each can have its turn while
the other is idle.
"""

import asyncio
import random
import resource
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.load import LOAD_CORE, SERVER_CORE, cpu_seconds, pin
from bench.results import Figure, figure
from bench.tracker import kafka_settings
from deploy.local.environment import EXTENSION_ID
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.stack import Stack
from services.crm.adapters.signing_keys import load_or_create
from shared.auth.tokens import Role, SignedIn, issue
from shared.bus.connection import client_options
from shared.bus.partitions import partition_of
from shared.bus.producer import EventPublisher, RawRecord
from shared.events.catalogue import NOTIFICATIONS
from shared.events.codec import encode
from shared.events.engagements import Verdict
from shared.events.ids import new_id
from shared.events.notifications import FeedChanged, NotificationKind, NotificationRaised, UserEvent
from shared.settings import KafkaSettings

SERVICES = ("crm", "notifier")  # crm for the keys that verify access tokens
ROUNDS = 5
EVENTS_PER_ROUND = 15_000
SCREENS = (1, 2, 3)  # open at once by one user, in turn: the extension, a page or two of the CRM
FIRST = 500  # clients of which the memory is not counted: they warm the process
IDLE_S = 25.0  # before memory is measured: each client has been pinged by then
TOPIC = "bench.notifications"
_RESERVE = 500  # files of a process that are no clients
_WITHIN_S = 300
_ORIGIN = f"chrome-extension://{EXTENSION_ID}"

Fresh = Callable[..., AbstractAsyncContextManager[Stack]]


async def measure(fresh: Fresh) -> list[Figure]:
    """`fanout_vs_loop`, `fanout_per_core`, `fanout_kb_per_connection`."""
    clients = _files() - _RESERVE
    variables = {"KAIFU_NOTIFIER_SOCKETS": str(clients)}
    async with fresh(SERVICES, seeded=False, variables=variables) as stack:
        settings = kafka_settings(stack, "notifier")
        users = _users(clients)
        async with _notifier(stack, users) as notifier, _loop(stack, settings, users) as loop:
            for part, pid in stack.pids.items():
                pin(pid, SERVER_CORE if part == "notifier" else LOAD_CORE)
            grown = [(await _grown(one, clients)) for one in (notifier, loop)]
            spent = await _rounds(settings, users, notifier, loop)
    return _figures(clients, grown, spent)


def _files() -> int:
    """The most files that a process may open here; this one and its children may from now on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 100_000 if most == resource.RLIM_INFINITY else most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return min(most, high - low)  # each client has a port of its own


def _users(clients: int) -> dict[UUID, int]:
    """Who has how many screens open; so many in all."""
    users: dict[UUID, int] = {}
    left, screens = clients, cycle(SCREENS)
    while left:
        users[new_id()] = open_now = min(left, next(screens))
        left -= open_now
    return users


@dataclass(slots=True)
class Served:
    """A server and the process that holds its clients."""

    pid: int
    topic: str
    screens: asyncio.subprocess.Process
    arrived: int = 0

    async def connect(self, clients: int) -> None:
        """So many clients more, signed in."""
        await self._told(f"connect {clients}", "connected")

    async def until_arrived(self, messages: int) -> None:
        """Wait for so many messages more."""
        self.arrived += messages
        await self._told(f"until {self.arrived}", "arrived")

    def memory_kb(self) -> float:
        """Resident memory of the server."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1000

    async def _told(self, order: str, answer: str) -> None:
        assert self.screens.stdin is not None
        assert self.screens.stdout is not None
        self.screens.stdin.write(f"{order}\n".encode())
        async with asyncio.timeout(_WITHIN_S):
            if (await self.screens.stdout.readline()).decode().strip() != answer:
                raise RuntimeError("the clients ended; why is above")


@asynccontextmanager
async def _notifier(stack: Stack, users: dict[UUID, int]) -> AsyncIterator[Served]:
    keys, issuer = load_or_create(stack.home.signing_keys), str(stack.addresses["app_url"])
    lasts = datetime.now(UTC) + timedelta(hours=1)

    def first(user: UUID) -> bytes:
        token = issue(keys, issuer, SignedIn(user, new_id(), Role.REP, new_id(), lasts))
        return orjson.dumps({"type": "authenticate", "access_token": token})

    port = urlsplit(stack.addresses["push_url"]).port or 0
    firsts = stack.home.root / "sign-ins.txt"
    _write_firsts(firsts, users, first)
    async with _clients(port, firsts) as screens:
        yield Served(stack.pids["notifier"], NOTIFICATIONS.name, screens)


@asynccontextmanager
async def _loop(stack: Stack, settings: KafkaSettings, users: dict[UUID, int]) -> AsyncIterator[Served]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, settings.partitions, 1)])
    await admin.close()
    port = Ports.free()["notifier"]
    arguments = [settings.bootstrap, settings.fetch_max_wait_ms, TOPIC, settings.partitions, port]
    firsts = stack.home.root / "keys.txt"
    _write_firsts(firsts, users, lambda user: str(user).encode())
    async with _process("bench.reference.bare_broadcast", *map(str, arguments)) as loop:
        assert loop.stdout is not None
        await loop.stdout.readline()
        pin(loop.pid, SERVER_CORE)
        async with _clients(port, firsts) as screens:
            yield Served(loop.pid, TOPIC, screens)


def _write_firsts(path: Path, users: dict[UUID, int], first: Callable[[UUID], bytes]) -> None:
    path.write_bytes(b"".join((first(user) + b"\n") * screens for user, screens in users.items()))


@asynccontextmanager
async def _clients(port: int, firsts: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = [LOOPBACK, str(port), "/v1/stream", _ORIGIN, str(firsts)]
    async with _process("bench.screens", *arguments) as screens:
        pin(screens.pid, LOAD_CORE)
        yield screens


@asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", module, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _grown(served: Served, clients: int) -> float:
    """kB of the server's resident memory per client that is signed in and idle."""
    await served.connect(FIRST)
    before = served.memory_kb()
    await served.connect(clients - FIRST)
    await asyncio.sleep(IDLE_S)
    return (served.memory_kb() - before) / (clients - FIRST)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of notifier and loop in one round, for so many messages delivered by each."""

    messages: int
    notifier: float
    loop: float


async def _rounds(
    settings: KafkaSettings, users: dict[UUID, int], notifier: Served, loop: Served
) -> list[Spent]:
    publisher = EventPublisher(settings, timeout_s=60.0, max_batch_bytes=262_144)
    await publisher.start()
    spent = []
    try:
        for number in range(-1, ROUNDS):  # the first warms
            events = _events(users)
            messages = sum(users[event.user_id] for event in events)
            own, bare = [await _turn(settings, publisher, one, events, messages) for one in (notifier, loop)]
            if number >= 0:
                spent.append(Spent(messages, own, bare))
                print(f"  fan-out round {number + 1}: {own / messages * 1e6:.1f} µs, "
                      f"loop {bare / messages * 1e6:.1f} µs")  # fmt: skip
    finally:
        await publisher.stop()
    return spent


async def _turn(
    settings: KafkaSettings, publisher: EventPublisher, served: Served, events: Sequence[UserEvent],
    messages: int,
) -> float:  # fmt: skip
    """CPU seconds of the server, from publishing the events until its clients have all of them."""
    batches: dict[tuple[str, int], list[RawRecord]] = {}
    for event in events:
        key = event.key().encode()
        place = (served.topic, partition_of(key, settings.partitions))
        batches.setdefault(place, []).append((key, encode(event), ()))
    before = cpu_seconds([served.pid])
    await publisher.publish_batches(batches)
    await served.until_arrived(messages)
    return cpu_seconds([served.pid]) - before


def _events(users: dict[UUID, int]) -> list[UserEvent]:
    """As an open makes them: a pop-up, and a row of the feed that is different now."""
    chosen = random.choices(list(users), k=EVENTS_PER_ROUND // 2)
    return [event for user in chosen for event in _of_an_open(user)]


def _of_an_open(user: UUID) -> Iterable[UserEvent]:
    now, account, message = datetime.now(UTC), new_id(), new_id()
    yield NotificationRaised(
        event_id=new_id(), occurred_at=now, account_id=account, user_id=user, notification_id=new_id(),
        kind=NotificationKind.OPENED, message_id=message, engagement_id=new_id(), hit_id=new_id(),
        verdict=Verdict.HUMAN, candidates=(0,), first=True,
    )  # fmt: skip
    yield FeedChanged(
        event_id=new_id(), occurred_at=now, account_id=account, user_id=user, message_id=message
    )


def _figures(clients: int, grown: Sequence[float], spent: Sequence[Spent]) -> list[Figure]:
    own = [one.notifier / one.messages * 1e6 for one in spent]
    bare = [one.loop / one.messages * 1e6 for one in spent]
    ratios = [reference / mine for mine, reference in zip(own, bare, strict=True)]
    rates, bare_rates = [1e6 / one for one in own], [1e6 / one for one in bare]
    shares = Counter(_users(clients).values())
    note = (
        f"{clients:,} clients connected, {', '.join(map(str, SCREENS))} of a user in turn "
        f"({sum(shares.values()):,} users); {len(spent)} rounds of {EVENTS_PER_ROUND:,} events; reference: "
        "websockets.broadcast of the same records from a topic of its own, to as many clients"
    )
    return [
        figure("fanout_vs_loop", "µs", own, bare, ratios, "≥ 0.8", f"CPU µs per message delivered; {note}"),
        figure("fanout_per_core", "/s", rates, bare_rates, rates, "≥ 12,500/s",
               f"messages delivered per second of the process's CPU time; {note}; ratio: messages"),
        figure("fanout_kb_per_connection", "kB", grown[:1], grown[1:], grown[:1], "≤ 30 kB",
               f"resident memory of the process, from {FIRST} to {clients:,} clients that are signed in and "
               "idle; reference: a bare websockets server; ratio: kB"),
    ]  # fmt: skip
