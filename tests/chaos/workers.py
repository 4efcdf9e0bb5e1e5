"""A process of a service, kept alive as a supervisor would, and what a fault does to it."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from deploy.local.child import Child
from deploy.local.readiness import not_ready_because

_AGAIN_AFTER_S = 0.2
_LOOK_EVERY_S = 0.05


class Worker:
    """One process. `name`: service and number, e.g. tracker-2. `deaths`: how it ended unasked, how often."""

    def __init__(self, name: str, module: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.environment = dict(environment)
        self.module: Sequence[str] = (module,)
        self.deaths: Counter[str] = Counter()
        self.ops_url = f"http://127.0.0.1:{environment['KAIFU_OPS_PORT']}"
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None while there is none."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Start it; from now on it is started again whenever it dies."""
        self._child = Child(self.name, self._command, self.environment, self.log, self._folder)
        await self._child.start()
        self._keeping = asyncio.create_task(self._keep(self._child))

    async def stop(self) -> None:
        """SIGTERM, as an upgrade does, and wait for its end."""
        await self._let_go()
        if self._child is not None:
            await self._child.stop(lambda text: self.deaths.update([text]))

    async def down(self) -> None:
        """SIGKILL, and it is not started again."""
        await self._let_go()
        if self._child is not None:
            self._child.kill()
            await self._child.stop(lambda _: None)

    async def terminate(self) -> int:
        """SIGTERM, and once more in vain, as from an operator who has no patience; its exit code."""
        await self._let_go()
        assert self._child is not None
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGINT)
        return (await self._child.unexpected_end()).code

    def kill(self) -> None:
        """SIGKILL; its supervisor starts it again."""
        self._signal(signal.SIGKILL)

    def suspend(self) -> None:
        """It stops where it is, as a paused virtual machine does."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on as if no time had passed."""
        self._signal(signal.SIGCONT)

    async def restart(self, *module: str, **environment: str) -> None:
        """As an upgrade; with these variables, and as `python -m <module>…` if one is given."""
        await self.stop()
        self.environment |= environment
        self.module = module or self.module
        await self.start()

    async def ready(self, within_s: float = 90.0) -> None:
        """Wait for its readiness. TimeoutError."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(within_s):
            while await not_ready_because(http, self.ops_url):
                await asyncio.sleep(_LOOK_EVERY_S)

    async def metric(self, line_start: str) -> float | None:
        """The sum of the metric lines that begin so; None while it does not answer."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
                text = (await http.get(f"{self.ops_url}/metrics")).text
        except httpx.HTTPError:
            return None
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(line_start))

    def _command(self) -> Sequence[str]:
        return (sys.executable, "-m", *self.module)

    def _signal(self, which: int) -> None:
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, which)

    async def _let_go(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        self.resume()

    async def _keep(self, child: Child) -> None:
        while True:
            ending = await child.unexpected_end()
            self.deaths[str(ending)] += 1
            await asyncio.sleep(_AGAIN_AFTER_S)
            await child.start()
