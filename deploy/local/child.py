"""One child process: started, watched, ended, its output appended to a log file."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.logs import last_error

_TETHER = Path(__file__).with_name("tether.py")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended without being asked to: Popen's return code."""

    code: int

    def __str__(self) -> str:
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit code {self.code}"


class Child:
    """A named process that can be started again.

    `command` is asked at each start, since some arguments are fresh each time. The process is in a
    session of its own, so that Ctrl-C in the terminal reaches the runner alone, and so that whatever
    it forks ends with it.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        environment: Mapping[str, str],
        log: Path,
        folder: Path,
        grace_s: float = 20.0,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._folder = folder
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0
        self._bounce = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start and after the end."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def start(self) -> None:
        """Start it. OSError only if not even an interpreter can be run."""
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *self._command()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self._environment),
                cwd=self._folder,
                start_new_session=True,
            )

    async def restart(self, tell: Tell) -> None:
        """End it if it runs and start it again; `unexpected_end` does not see this end."""
        async with self.stopped(tell):
            pass

    @asynccontextmanager
    async def stopped(self, tell: Tell) -> AsyncIterator[None]:
        """It does not run while the block does; `unexpected_end` does not see this end."""
        async with self._bounce:
            await self.stop(tell)
            try:
                yield
            finally:
                await self.start()

    async def unexpected_end(self) -> Ending:
        """Wait until the process ends by itself."""
        while True:
            process = self._process
            if process is None:
                raise RuntimeError(f"{self.name} was never started")
            code = await process.wait()
            async with self._bounce:
                if self._process is process:
                    _kill_group(process.pid)
                    return Ending(code)

    def pause(self) -> None:
        """Let it do nothing until `resume`, or until it is stopped."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def stop(self, tell: Tell) -> None:
        """SIGTERM, wait, and SIGKILL after the grace, saying so. What it forked ends too."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        self.resume()  # paused, it would not hear
        try:
            await asyncio.wait_for(process.wait(), self._grace_s)
        except TimeoutError:
            tell(f"{self.name} did not stop within {self._grace_s:.0f} s and is killed")
        _kill_group(process.pid)
        await process.wait()

    def kill(self) -> None:
        """SIGKILL now, without waiting: the last resort when the runner itself fails."""
        if self._process is not None and self._process.returncode is None:
            _kill_group(self._process.pid)

    def _signal(self, what: signal.Signals) -> None:
        if self.pid is not None:
            _signal_group(self.pid, what)

    def last_error(self) -> str:
        """The last line of this run's log that says an error, or just the last one; "" if none."""
        return last_error(self.log, self._log_start)


def _kill_group(group: int) -> None:
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, what)
