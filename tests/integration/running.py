"""`make up` as an operator runs it: a process of its own whose words and children are watched."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.rep import Json
from deploy.local.seed import known_sign_ins
from tests.integration.client import clean_environment

READY_WITHIN_S = 200.0
END_WITHIN_S = 60.0


class Runner:
    """One `python -m deploy.local up`."""

    def __init__(self, home: Home, ports: Ports, process: asyncio.subprocess.Process) -> None:
        self.home = home
        self.ports = ports
        self.process = process
        self.said = ""
        self._heard = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    async def says(self, text: str, within_s: float = READY_WITHIN_S, after: int = 0) -> str:
        """Wait until it has said something; returns the line. Fails when it ends first."""
        try:
            async with asyncio.timeout(within_s), self._heard:
                while True:
                    for line in self.said[after:].splitlines():
                        if text in line:
                            return line
                    assert not self._listening.done(), f"it ended without {text!r}:\n{self.said}"
                    await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"not said within {within_s:g} s: {text!r}\n{self.said}") from None

    async def end(self, wish: signal.Signals) -> int:
        """Signal it and wait for its end; the exit code (negative: the signal that ended it)."""
        self.process.send_signal(wish)
        async with asyncio.timeout(END_WITHIN_S):
            await self._listening
            return await self.process.wait()

    @property
    def pids(self) -> dict[str, int]:
        """Part → process id, as the runner writes them down."""
        found: dict[str, int] = json.loads(self.home.processes.read_text())
        return found

    @property
    def addresses(self) -> Json:
        """Where everything is."""
        found: Json = json.loads(self.home.addresses.read_text())
        return found

    @property
    def sign_ins(self) -> Json:
        """Who may sign in."""
        return known_sign_ins(self.home)

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._heard:
                self.said += line.decode()
                self._heard.notify_all()
        async with self._heard:
            self._heard.notify_all()


def environment(home: Home, ports: Ports) -> dict[str, str]:
    """What the runner is told by its environment."""
    return clean_environment() | ports.as_environment() | {"KAIFU_HOME": str(home.root), "COLUMNS": "200"}


async def command(home: Home, ports: Ports, *arguments: str, **variables: str) -> tuple[int, str]:
    """One command of the runner: exit code and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(home, ports) | variables,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@asynccontextmanager
async def running(home: Home, ports: Ports) -> AsyncIterator[Runner]:
    """A runner that is ready; killed in the end if the test has not ended it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local", "up"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(home, ports),
    )
    runner = Runner(home, ports, process)
    try:
        await runner.says("ready  ")
        yield runner
    finally:
        if process.returncode is None:
            await runner.end(signal.SIGKILL)


def alive(home: Home) -> list[str]:
    """Command lines of the processes whose working directory is the home: what the runner started."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if (process / "cwd").readlink() == home.root:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found


async def none_alive(home: Home, within_s: float = 10.0) -> None:
    """Wait until nothing that the runner started is left."""
    try:
        async with asyncio.timeout(within_s):
            while alive(home):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"orphans: {alive(home)}") from None
