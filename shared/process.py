"""The life of a service process: telemetry, ops listener, watchdog, signals, an orderly end."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
import uvicorn
import uvloop
from pydantic import ValidationError

from shared.health.progress import Progress, Watchdog
from shared.health.server import ops_server
from shared.http.server import QuietServer
from shared.settings import OpsSettings, TelemetrySettings
from shared.telemetry import logs, otlp_metrics, tracing
from shared.telemetry.names import SERVICE

log = structlog.get_logger(__name__)

# New objects before the collector looks for cycles among them. Few of ours are in any, so that the default of
# 700 looks at everything that a batch or a message's state holds, in vain.
_COLLECT_AFTER = 50_000


class Runtime:
    """What the wiring of a service gets: progress to report to, and the wish to stop."""

    def __init__(self, service: str, progress: Progress) -> None:
        self.service = service
        self.progress = progress
        self.stopping = asyncio.Event()

    async def serve(self, server: QuietServer) -> None:
        """Serve HTTP until the process stops; open requests are finished first."""
        listener = _listener(server.config)
        stopper = asyncio.create_task(self._stop(server))
        try:
            await server.serve(sockets=[listener])
        finally:
            stopper.cancel()
            listener.close()

    async def _stop(self, server: uvicorn.Server) -> None:
        await self.stopping.wait()
        server.should_exit = True

    async def run_until_stopped(self, *loops: Coroutine[Any, Any, None]) -> None:
        """Run the loops side by side. They end on `stopping`; if one fails, all stop and it is raised.

        A loop that returns early also stops the process: a service with half its loops is broken.
        Raises what the first failing loop raised, LoopCancelled for one that somebody cancelled.
        """
        tasks = [asyncio.create_task(loop, name=getattr(loop, "__qualname__", "loop")) for loop in loops]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.stopping.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, asyncio.CancelledError):
                raise LoopCancelled(task.get_name()) from outcome
            if isinstance(outcome, BaseException):
                raise outcome


class LoopCancelled(RuntimeError):
    """A loop was cancelled though nobody here did it: a library leaked a cancellation of its own."""


class PortTaken(RuntimeError):
    """Another process listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is taken: stop what listens there or choose another port")


def _listener(config: uvicorn.Config) -> socket.socket:
    """Bound here, since uvicorn ends the process where it can't bind. Raises PortTaken, OSError."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=config.backlog)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(config.host, config.port) from None
        raise


def run(service: str, body: Callable[[Runtime], Awaitable[None]]) -> None:
    """Run a service until SIGTERM or SIGINT. Exit code 0 after an orderly end, 1 after a failure."""
    telemetry = TelemetrySettings()
    logs.configure(service, telemetry.log_level)
    tracer = tracing.configure(service, telemetry)
    SERVICE.labels(service).set(1)
    metrics = otlp_metrics.begin(service, telemetry)
    _spare_collector()
    try:
        uvloop.run(_run(service, body))
    except (PortTaken, OSError) as error:
        log.error("can't start", error=str(error))
        sys.exit(1)
    except ValidationError as error:
        if error.title.endswith("Settings"):
            log.error("the settings are not valid", error=_named(error))
        else:
            log.exception("the service failed")
        sys.exit(1)
    except Exception:
        log.exception("the service failed")
        sys.exit(1)
    finally:
        tracer.shutdown()
        if metrics is not None:
            metrics.shutdown()
    log.info("stopped")


def _spare_collector() -> None:
    """What the imports have made stays: it is not walked again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def _named(error: ValidationError) -> str:
    """Which settings, and why; never their values, since some are secrets."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{error.title}.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)


async def _run(service: str, body: Callable[[Runtime], Awaitable[None]]) -> None:
    ops = OpsSettings()
    progress = Progress(ops.stalled_after_s)
    runtime = Runtime(service, progress)
    loop = asyncio.get_running_loop()
    for wish in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wish, runtime.stopping.set)
    watchdog = Watchdog(progress, ops.killed_after_s)
    watchdog.start()
    probes = asyncio.create_task(runtime.serve(ops_server(progress, ops)))
    work = asyncio.ensure_future(body(runtime))
    try:
        await asyncio.wait({probes, work}, return_when=asyncio.FIRST_COMPLETED)
        runtime.stopping.set()
        watchdog.stop()
        await asyncio.gather(work, probes)
    finally:
        for task in (work, probes):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
