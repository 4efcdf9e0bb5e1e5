"""Progress of the loops of a process, and the watchdog that ends a stalled one.

Known stalls of the client libraries (faust-streaming #175, #523, #532, #629, #640; aiokafka #1154,
#1037, #376) leave a process alive that consumes nothing. The watchdog is a thread, so that a
blocked event loop is seen too; a supervisor restarts what it ends.
"""

import os
import threading
import time
from collections.abc import Callable

import structlog

from shared.telemetry.names import PROGRESS_AGE, READY

log = structlog.get_logger(__name__)
STALLED_EXIT_CODE = 70  # EX_SOFTWARE


class Progress:
    """When each loop of the process last moved. A loop is ready once it has said so."""

    def __init__(self, stalled_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after_s = stalled_after_s
        self._clock = clock
        self._moved_at: dict[str, float] = {}
        self._ready: dict[str, bool] = {}
        self._lacking: set[str] = set()

    def expect(self, loop: str) -> None:
        """The process is not ready before this loop has reported `ready`."""
        self._moved_at[loop] = self._clock()
        self._ready.setdefault(loop, False)

    def moved(self, loop: str) -> None:
        """The loop turned once with nothing waiting, or took a step forward."""
        self._moved_at[loop] = self._clock()

    def ready(self, loop: str, is_ready: bool = True) -> None:
        """The loop has (or hasn't) what it needs to serve, e.g. its topic is caught up."""
        self._ready[loop] = is_ready
        self.moved(loop)

    def lacks(self, what: str) -> None:
        """The process is not ready before it has this; to wait for it is no stall."""
        self._lacking.add(what)

    def has(self, what: str) -> None:
        """It has come."""
        self._lacking.discard(what)

    def ages(self) -> dict[str, float]:
        """Seconds since each loop moved."""
        now = self._clock()
        ages = {loop: now - at for loop, at in list(self._moved_at.items())}
        for loop, age in ages.items():
            PROGRESS_AGE.labels(loop).set(age)
        return ages

    def not_ready_because(self) -> list[str]:
        """Why the process can't serve; empty when it can.

        Probes answer before the wiring is done: without a loop to wait for, nothing is ready yet.
        """
        reasons = self._reasons()
        READY.set(not reasons)
        return reasons

    def _reasons(self) -> list[str]:
        if not self._ready:
            return ["the process is starting"]
        waiting = [f"{what} not here yet" for what in sorted(self._lacking)]
        waiting += [f"{loop} is starting" for loop, is_ready in list(self._ready.items()) if not is_ready]
        stalled = [
            f"{loop} has not moved for {age:.0f} s"
            for loop, age in self.ages().items()
            if age > self._stalled_after_s
        ]
        return waiting + stalled


class Watchdog:
    """Ends the process when a loop has not moved for `killed_after_s`."""

    def __init__(
        self,
        progress: Progress,
        killed_after_s: float,
        end: Callable[[int], None] = os._exit,  # the event loop may be blocked: no clean-up is possible
    ) -> None:
        self._progress = progress
        self._killed_after_s = killed_after_s
        self._end = end
        self._stop = threading.Event()

    def start(self) -> None:
        """Watch from a thread of its own."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Look no more: the process is ending in order."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self._killed_after_s / 4)):
            self.check()

    def check(self) -> None:
        """One look, which also keeps the metrics of progress and readiness fresh."""
        self._progress.not_ready_because()
        for loop, age in self._progress.ages().items():
            if age > self._killed_after_s:
                log.error("a loop has stalled; ending the process", loop=loop, age_s=round(age, 1))
                self._end(STALLED_EXIT_CODE)
                return
