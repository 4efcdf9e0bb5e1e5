"""Closed-loop load by wrk, the CPU time that a process spent, and references as processes."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

CONNECTIONS = 128
SERVER_CORE = 0
LOAD_CORE = 1
_ADDRESSES = Path(__file__).with_name("addresses.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What one burst of requests cost: requests done, per second, CPU µs of the server per request."""

    requests: int
    per_second: float
    cpu_us: float


def need(*programs: str) -> None:
    """Exit with one line when a program of the bench is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        sys.exit(f"make bench needs {', '.join(missing)} (Debian: apt-get install nginx-light wrk)")


def pin(pid: int, core: int) -> None:
    """Keep a process and its threads on one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes so far."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


async def milliseconds(ask: Callable[[], Awaitable[object]]) -> float:
    """How long one took."""
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def reference(name: str, *arguments: object, **variables: str) -> AsyncIterator[Process]:
    """`bench.reference.<name>` as a process that has said `ready`. `variables`: of its environment."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"bench.reference.{name}", *map(str, arguments)),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, **variables},
    )
    try:
        await line_of(process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(process: Process) -> bytes:
    """The next line that it says. Raises RuntimeError where it has ended."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"the reference ended (exit code {await process.wait()})")
    return line


def burst(origin: str, paths: Path, server: list[int], seconds: float, headers: dict[str, str]) -> Load:
    """Load the origin's paths (a file, one a line) in turn over CONNECTIONS kept ones. Loopback only."""
    if not origin.startswith("http://127.0.0.1:"):
        raise ValueError("load goes to loopback only")
    named = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = cpu_seconds(server)
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *named,
         "-s", str(_ADDRESSES), origin, "--", str(paths)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    spent = cpu_seconds(server) - before
    requests = int(_number(r"(\d+) requests in", done.stdout))
    if re.search(r"Non-2xx", done.stdout):
        raise RuntimeError(f"the server answered with errors:\n{done.stdout}")
    return Load(requests, float(_number(r"Requests/sec:\s+([\d.]+)", done.stdout)), spent / requests * 1e6)


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"wrk said something else:\n{text}")
    return found[1]
