"""The pixel with its durable event, and the click, beside nginx `empty_gif` and a FastAPI constant GIF.

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
from shared.tokens.tracking import LinkToken, PixelToken, seal_link, seal_pixel

SERVICES = ("ingest",)  # who reads the hits is no part of this, and would starve the broker on its core
ROUNDS = 7
SECONDS = 3
ADDRESSES = 60_000  # asked for in turn: more than ingest remembers, so each token is opened anew
AGAIN = 5000  # of them, for mail that is opened again
MOST_SPOOLED = 0.01  # share of hits on disk instead of in Kafka that still counts as measuring Kafka
HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "X-Forwarded-For": "66.249.84.1",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A server under load: its origin and its process."""

    origin: str
    pid: int

    def load(self, paths: Path) -> Load:
        """One round. `paths`: a file of what is asked for, one a line, in turn."""
        return burst(self.origin, paths, [self.pid], SECONDS, HEADERS)


@dataclass(frozen=True, slots=True)
class Round:
    """What each server spent in one round; Kaifu for mail opened again, mail opened first, and clicks."""

    again: Load
    first: Load
    click: Load
    nginx: Load
    fastapi: Load

    def __str__(self) -> str:
        loads = (self.again, self.first, self.click, self.nginx, self.fastapi)
        return ", ".join(f"{load.cpu_us:.1f}" for load in loads) + " µs"


def measure(stack: Stack) -> list[Figure]:
    """`pixel_vs_…` nginx and FastAPI, the same for addresses that ingest never saw, `click_vs_pixel`."""
    first, again = _fresh_pixels(stack)
    clicks = _fresh_links(stack)
    with _references(stack.home.root) as (plain, framework):
        kaifu = Served(stack.addresses["tracking_url"], stack.pids["ingest"])
        for pid in stack.pids.values():
            pin(pid, LOAD_CORE)
        pin(kaifu.pid, SERVER_CORE)
        for server in (kaifu, plain, framework):
            server.load(again)  # warm
        kaifu.load(clicks)
        rounds = []
        for number in range(ROUNDS):
            rounds.append(
                Round(
                    _durably(stack, kaifu, again, "pixel"),
                    _durably(stack, kaifu, first, "pixel"),
                    _durably(stack, kaifu, clicks, "link"),
                    plain.load(again),
                    framework.load(again),
                )
            )
            print(f"  pixel round {number + 1}: {rounds[-1]}")
    return _figures(rounds)


def _figures(rounds: list[Round]) -> list[Figure]:
    how = f"CPU µs per request, {ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections"
    kaifu = {
        "pixel": ([one.again for one in rounds], f"{AGAIN:,} addresses again and again"),
        "pixel_first": ([one.first for one in rounds], f"{ADDRESSES:,} addresses, each token opened anew"),
    }
    references = {
        "nginx": ([one.nginx for one in rounds], "first ≥ 0.30, final ≥ 0.50"),
        "fastapi": ([one.fastapi for one in rounds], "first ≥ 5, final ≥ 10"),
    }
    click = _figure(
        "click_vs_pixel", [one.click for one in rounds], [one.again for one in rounds], "≥ 0.90",
        f"{how}; {AGAIN:,} addresses again and again, reference: the pixel",
    )  # fmt: skip
    return [click] + [
        _figure(f"{name}_vs_{reference}", mine, others, aim if name == "pixel" else "", f"{how}; {what}")
        for name, (mine, what) in kaifu.items()
        for reference, (others, aim) in references.items()
    ]


def _figure(name: str, mine: list[Load], others: list[Load], aim: str, how: str) -> Figure:
    own, reference = [load.cpu_us for load in mine], [load.cpu_us for load in others]
    ratios = [theirs / ours for ours, theirs in zip(own, reference, strict=True)]
    rate = sorted(load.per_second for load in mine)[len(mine) // 2]
    return figure(
        name, "µs", own, reference, ratios, aim,
        f"{how}; {rate:,.0f} requests/s (median), each acknowledged by the broker",
    )  # fmt: skip


def _durably(stack: Stack, kaifu: Served, paths: Path, endpoint: str) -> Load:
    """One round of which every hit is known to be durable, and in Kafka."""
    before = _durable(stack, endpoint)
    load = kaifu.load(paths)
    recorded = {where: count - before[where] for where, count in _durable(stack, endpoint).items()}
    if sum(recorded.values()) < load.requests:
        raise RuntimeError(f"{load.requests} {endpoint}s served, but durable: {recorded}")
    if recorded["spool"] > MOST_SPOOLED * load.requests:
        raise RuntimeError(f"the broker did not keep up: {recorded}")
    return load


def _durable(stack: Stack, endpoint: str) -> dict[str, float]:
    """Hits of an endpoint that ingest says are in Kafka and in the spool."""
    metrics = httpx.get(f"{stack.ops_urls['ingest']}/metrics").text
    counts = {"broker": 0.0, "spool": 0.0}
    for line in metrics.splitlines():
        if line.startswith("kaifu_hits_total{") and f'"{endpoint}"' in line:
            for where in counts:
                if f'"{where}"' in line:
                    counts[where] += float(line.rsplit(" ", 1)[1])
    return counts


def _fresh_pixels(stack: Stack) -> tuple[Path, Path]:
    """Files of sealed addresses of messages that nobody sent: the events are written all the same."""
    ring = KeyRing.load(stack.home.ring("tracking"))
    account = new_id()
    lines = [f"/o/{seal_pixel(ring, PixelToken(account, new_id()))}.gif\n" for _ in range(ADDRESSES)]
    first, again = stack.home.root / "first.txt", stack.home.root / "again.txt"
    first.write_text("".join(lines))
    again.write_text("".join(lines[:AGAIN]))
    return first, again


def _fresh_links(stack: Stack) -> Path:
    """A file of sealed links of such messages."""
    ring = KeyRing.load(stack.home.ring("tracking"))
    account, destination = new_id(), b"https://www.example.com/offers/2026?ref=mail"
    links = [LinkToken(account, new_id(), None, 0, destination) for _ in range(AGAIN)]
    path = stack.home.root / "links.txt"
    path.write_text("".join(f"/c/{seal_link(ring, link)}\n" for link in links))
    return path


@contextlib.contextmanager
def _references(folder: Path) -> Iterator[tuple[Served, Served]]:
    ports = Ports.free()
    plain, worker = nginx.start(folder / f"nginx-{secrets.token_hex(3)}", ports["crm"])
    framework = subprocess.Popen([sys.executable, "-m", "bench.reference.constant_gif", str(ports["ingest"])])
    try:
        pin(worker, SERVER_CORE)
        origins = [f"http://127.0.0.1:{ports[name]}" for name in ("crm", "ingest")]
        for origin in origins:
            _await_answer(f"{origin}/o/x.gif")
        pin(framework.pid, SERVER_CORE)
        yield Served(origins[0], worker), Served(origins[1], framework.pid)
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
