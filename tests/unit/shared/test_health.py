"""Readiness and the watchdog go by progress."""

import threading

import httpx
import pytest

from shared.health.progress import STALLED_EXIT_CODE, Progress, Watchdog
from shared.health.server import ops_app


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def progress(clock: _Clock) -> Progress:
    return Progress(20.0, clock)


def test_a_loop_is_starting_until_it_says_that_it_is_ready(progress: Progress) -> None:
    progress.expect("consumer")
    progress.moved("consumer")
    assert progress.not_ready_because() == ["consumer is starting"]
    progress.ready("consumer")
    assert progress.not_ready_because() == []
    progress.ready("consumer", False)
    assert progress.not_ready_because() == ["consumer is starting"]


def test_what_it_lacks_is_waited_for_and_is_no_stall(progress: Progress, clock: _Clock) -> None:
    progress.expect("consumer")
    progress.ready("consumer")
    progress.lacks("keys")
    clock.now = 10.0
    assert progress.not_ready_because() == ["keys not here yet"]
    assert progress.ages().keys() == {"consumer"}
    progress.has("keys")
    assert progress.not_ready_because() == []


def test_a_process_that_expects_no_loop_yet_is_starting(progress: Progress) -> None:
    assert progress.not_ready_because() == ["the process is starting"]


def test_being_up_is_not_being_ready(progress: Progress, clock: _Clock) -> None:
    progress.expect("consumer")
    progress.ready("consumer")
    clock.now = 20.0
    assert progress.not_ready_because() == []
    clock.now = 20.1
    assert progress.not_ready_because() == ["consumer has not moved for 20 s"]
    progress.moved("consumer")
    assert progress.not_ready_because() == []


def test_expecting_a_loop_again_does_not_make_it_unready(progress: Progress) -> None:
    progress.expect("consumer")
    progress.ready("consumer")
    progress.expect("consumer")
    assert progress.not_ready_because() == []


def test_the_watchdog_ends_a_process_whose_loop_stalls(progress: Progress, clock: _Clock) -> None:
    ended: list[int] = []
    watchdog = Watchdog(progress, 60.0, ended.append)
    progress.expect("consumer")
    progress.expect("outbox")
    clock.now = 60.0
    watchdog.check()
    assert ended == []
    progress.moved("outbox")
    clock.now = 60.1
    watchdog.check()
    assert ended == [STALLED_EXIT_CODE]
    progress.moved("consumer")
    watchdog.check()
    assert ended == [STALLED_EXIT_CODE]


def test_the_watchdog_sees_it_from_its_own_thread() -> None:
    """The event loop may be what is blocked."""
    ended = threading.Event()
    progress = Progress(0.01)
    progress.expect("blocked")
    watchdog = Watchdog(progress, 0.04, lambda _: ended.set())
    watchdog.start()
    assert ended.wait(10)
    watchdog.stop()


async def test_the_probes_and_metrics(progress: Progress, clock: _Clock) -> None:
    progress.expect("consumer")
    transport = httpx.ASGITransport(ops_app(progress))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://ops") as http:
        assert (await http.get("/health/live")).status_code == 200
        waiting = await http.get("/health/ready")
        assert (waiting.status_code, waiting.json()["because"]) == (503, ["consumer is starting"])
        progress.ready("consumer")
        assert (await http.get("/health/ready")).json() == {"ready": True, "because": []}
        clock.now = 21.0
        assert (await http.get("/health/ready")).status_code == 503
        metrics = (await http.get("/metrics")).text
        assert 'kaifu_progress_age_seconds{loop="consumer"} 21.0' in metrics
        assert (await http.get("/")).status_code == 404
