"""The pixel with its durable event, beside nginx `empty_gif` and a FastAPI constant GIF.

Each server has core 0 to itself in its turn; load generator, broker and all else are on core 1. What
counts is CPU time of the server's process per request: it does not depend on what else the machine does.
For Kaifu that is ingest's process, from opening the token to the broker's acknowledgement (acks=all).
"""

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.load import CONNECTIONS, LOAD_CORE, SERVER_CORE, Load, burst, pin
from bench.reference import nginx
from bench.results import Figure, figure
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.events.ids import new_id
from shared.tokens.keyring import KeyRing
from shared.tokens.tracking import PixelToken, seal_pixel

ROUNDS = 7
SECONDS = 3
HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "X-Forwarded-For": "66.249.84.1",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A server under load: its pixel's address and its process."""

    url: str
    pid: int

    def load(self) -> Load:
        """One round."""
        return burst(self.url, [self.pid], SECONDS, HEADERS)


def measure(stack: Stack) -> list[Figure]:
    """`pixel_vs_nginx` and `pixel_vs_fastapi`."""
    with _references(stack.home.root) as (plain, framework):
        kaifu = Served(_fresh_pixel(stack), stack.pids["ingest"])
        for pid in stack.pids.values():
            pin(pid, LOAD_CORE)
        pin(kaifu.pid, SERVER_CORE)
        rounds = _rounds(kaifu, plain, framework, stack)
    mine, nginx_rounds, fastapi_rounds = zip(*rounds, strict=True)
    cpu = [load.cpu_us for load in mine]
    rates = sorted(load.per_second for load in mine)
    note = (
        f"CPU µs per request, {ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections; "
        f"Kaifu served {rates[len(rates) // 2]:,.0f} requests/s (median), each acknowledged by the broker"
    )
    return [
        _ratio(
            "pixel_vs_nginx", cpu, [load.cpu_us for load in nginx_rounds], "first ≥ 0.30, final ≥ 0.50", note
        ),
        _ratio(
            "pixel_vs_fastapi", cpu, [load.cpu_us for load in fastapi_rounds], "first ≥ 5, final ≥ 10", note
        ),
    ]


def _ratio(name: str, mine: list[float], references: list[float], aim: str, note: str) -> Figure:
    ratios = [reference / own for own, reference in zip(mine, references, strict=True)]
    return figure(name, "µs", mine, references, ratios, aim, note)


def _rounds(kaifu: Served, plain: Served, framework: Served, stack: Stack) -> list[tuple[Load, Load, Load]]:
    for server in (kaifu, plain, framework):
        server.load()  # warm
    rounds = []
    for number in range(ROUNDS):
        recorded = _acknowledged(stack)
        own = kaifu.load()
        durable = _acknowledged(stack) - recorded
        if durable < own.requests:
            raise RuntimeError(f"{own.requests} pixels served, only {durable:.0f} durable")
        rounds.append((own, plain.load(), framework.load()))
        print(f"  pixel round {number + 1}: " + ", ".join(f"{load.cpu_us:.1f} µs" for load in rounds[-1]))
    return rounds


def _acknowledged(stack: Stack) -> float:
    """Pixels that ingest says are durable, in Kafka or in the spool."""
    metrics = httpx.get(f"{stack.ops_urls['ingest']}/metrics").text
    lines = [
        line for line in metrics.splitlines() if line.startswith("kaifu_hits_total{") and '"pixel"' in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def _fresh_pixel(stack: Stack) -> str:
    """A sealed address of a message that nobody sent: the event is written all the same."""
    ring = KeyRing.load(stack.home.ring("tracking"))
    token = seal_pixel(ring, PixelToken(new_id(), new_id()))
    return f"{stack.addresses['tracking_url']}/o/{token}.gif"


@contextlib.contextmanager
def _references(folder: Path) -> Iterator[tuple[Served, Served]]:
    ports = Ports.free()
    plain, worker = nginx.start(folder / f"nginx-{secrets.token_hex(3)}", ports["crm"])
    framework = subprocess.Popen([sys.executable, "-m", "bench.reference.constant_gif", str(ports["ingest"])])
    try:
        pin(worker, SERVER_CORE)
        urls = [f"http://127.0.0.1:{ports[name]}/o/x.gif" for name in ("crm", "ingest")]
        for url in urls:
            _await_answer(url)
        pin(framework.pid, SERVER_CORE)
        yield Served(urls[0], worker), Served(urls[1], framework.pid)
    finally:
        for process in (plain, framework):
            process.terminate()
            process.wait(10)


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
