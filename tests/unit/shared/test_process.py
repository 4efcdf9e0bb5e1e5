"""The life of a service process, seen from outside: exit codes, signals, what it says."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

WAITS = """
import asyncio, sys
from shared.process import run
async def body(runtime):
    runtime.progress.ready("loop")
    print("up", flush=True)
    await runtime.run_until_stopped(runtime.stopping.wait(), {second})
    print("orderly", flush=True)
async def fails():
    raise ValueError("a@example.org is broken")
async def leaks():
    raise asyncio.CancelledError
async def ends():
    return None
async def blocks():
    import time
    time.sleep(30)
run("ingest", body)
"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class _Service:
    def __init__(self, second: str, **environment: str) -> None:
        self.port = int(environment.setdefault("KAIFU_OPS_PORT", str(_free_port())))
        self.process = subprocess.Popen(
            [sys.executable, "-c", WAITS.format(second=second)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"

    def end(self) -> tuple[int, str, list[dict[str, Any]]]:
        out, errors = self.process.communicate(timeout=30)
        return self.process.returncode, out, [json.loads(line) for line in errors.splitlines()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def starting(request: pytest.FixtureRequest) -> Iterator[Any]:
    services: list[_Service] = []

    def start(second: str = "runtime.stopping.wait()", **environment: str) -> _Service:
        services.append(_Service(second, **environment))
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_orderly_end(starting: Any, wish: signal.Signals) -> None:
    service = starting()
    service.up()
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/health/live", timeout=10) as answer:
        assert answer.status == 200
    service.process.send_signal(wish)
    code, out, lines = service.end()
    assert (code, out) == (0, "orderly\n")
    assert lines[-1]["event"] == "stopped"


def test_a_failing_loop_ends_the_process_with_its_reason(starting: Any) -> None:
    service = starting("fails()")
    code, _, lines = service.end()
    assert code == 1
    failed = next(line for line in lines if line["event"] == "the service failed")
    assert "ValueError" in failed["exception"]
    assert "example.org" not in json.dumps(lines)


def test_a_leaked_cancellation_is_a_failure_with_a_name(starting: Any) -> None:
    code, out, said = starting("leaks()").end()
    assert code == 1
    assert "orderly" not in out
    assert "LoopCancelled: leaks" in "".join(line.get("exception", "") for line in said)


def test_a_loop_that_ends_early_ends_the_process(starting: Any) -> None:
    code, out, _ = starting("ends()").end()
    assert (code, out) == (0, "up\norderly\n")


def test_a_taken_port_is_one_clear_line(starting: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, lines = starting(KAIFU_OPS_PORT=str(port)).end()
    assert code == 1
    said = [line for line in lines if line["level"] == "error"]
    assert [line["error"] for line in said] == [
        f"port {port} on 127.0.0.1 is taken: stop what listens there or choose another port"
    ]
    assert "exception" not in said[0]


def test_a_blocked_event_loop_is_ended_by_the_watchdog(starting: Any) -> None:
    code, _, lines = starting("blocks()", KAIFU_OPS_KILLED_AFTER_S="0.5").end()
    assert code == 70
    assert lines[-1]["event"] == "a loop has stalled; ending the process"
    assert lines[-1]["loop"] == "loop"


def test_settings_that_are_not_valid_are_named_without_their_values() -> None:
    program = (
        "from shared.process import run; from shared.directory.client import DirectorySettings\n"
        "async def body(runtime): DirectorySettings()\n"
        "run('ingest', body)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "KAIFU_OPS_PORT": str(_free_port()),
            "KAIFU_DIRECTORY_TOKEN": "t0ken-of-the-directory",
            "KAIFU_DIRECTORY_DEADLINE_S": "a while, t0ken-of-the-directory",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "t0ken" not in done.stderr
    (said,) = [json.loads(line) for line in done.stderr.splitlines() if '"error"' in line]
    assert said["event"] == "the settings are not valid"
    assert said["error"].startswith("DirectorySettings.deadline_s: Input should be a valid number")
