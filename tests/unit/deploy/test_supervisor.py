"""Supervision: each death is said once, the child comes back, a hopeless one is given up."""

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local import supervisor
from deploy.local.child import Child
from deploy.local.supervisor import Backoff, GaveUp, keep_alive
from tests.unit.deploy.test_child import SLEEPER, make, printed


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_PAUSES_S", (0.01, 0.01, 0.01, 0.01, 0.01))


def test_pauses_grow_and_the_fifth_death_in_vain_is_the_last() -> None:
    backoff = Backoff()
    assert [backoff.after(proved=False) for _ in range(5)] == [0.2, 0.5, 1.0, 2.0, None]


def test_a_child_that_has_been_of_use_is_restarted_for_ever() -> None:
    backoff = Backoff()
    for _ in range(4):
        backoff.after(proved=False)
    assert [backoff.after(proved=True) for _ in range(9)] == [0.2] * 9
    assert backoff.after(proved=False) == 0.2


async def test_a_dead_child_is_said_and_restarted(tmp_path: Path, short_pauses: None) -> None:
    said: list[str] = []
    child = make(tmp_path, SLEEPER)
    await child.start()
    keeper = asyncio.create_task(keep_alive(child, _never, _restarter(said), said.append))
    await printed(child, 1)
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await printed(child, 2)
    second = child.pid
    assert second not in (None, first)
    async with asyncio.timeout(10):
        while len(said) < 2:
            await asyncio.sleep(0.01)
    keeper.cancel()
    await child.stop(said.append)
    assert said == [
        "stand-in died (killed by SIGKILL): up; restarting it in 0.01 s",
        f"stand-in is started again (process {second})",
    ]


async def test_what_others_started_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the broker's return restarts a service that has died of its absence."""
    said: list[str] = []
    revived: list[Child] = []
    lives = asyncio.Queue[int | None]()
    child = make(tmp_path, SLEEPER)

    async def pause(_: float) -> None:
        await child.restart(said.append)

    async def proved() -> None:
        lives.put_nowait(child.pid)

    async def revive(child: Child) -> None:
        revived.append(child)

    monkeypatch.setattr(
        supervisor, "asyncio", SimpleNamespace(sleep=pause, ensure_future=asyncio.ensure_future)
    )
    await child.start()
    keeper = asyncio.create_task(keep_alive(child, proved, revive, said.append))
    first = await asyncio.wait_for(lives.get(), 10)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    second = await asyncio.wait_for(lives.get(), 10)
    keeper.cancel()
    assert second not in (None, first)
    assert child.pid == second
    assert revived == []
    await child.stop(said.append)
    assert len(said) == 1


async def test_a_hopeless_child_is_given_up_with_its_last_words(tmp_path: Path, short_pauses: None) -> None:
    said: list[str] = []
    child = make(tmp_path, "import sys; sys.exit('no database')")
    await child.start()
    async with asyncio.timeout(20):
        with pytest.raises(GaveUp) as gave_up:
            await keep_alive(child, _never, _restarter(said), said.append)
    assert "stand-in died (exit code 1): no database; it never got going" in str(gave_up.value)
    assert str(child.log) in str(gave_up.value)
    assert sum("restarting it" in line for line in said) == 4


def _restarter(said: list[str]):  # type: ignore[no-untyped-def]
    async def restart(child: Child) -> None:
        await child.restart(said.append)

    return restart


async def test_a_proved_child_is_not_given_up(tmp_path: Path, short_pauses: None) -> None:
    said: list[str] = []
    child = make(tmp_path, SLEEPER)
    await child.start()
    keeper = asyncio.create_task(keep_alive(child, _at_once, _restarter(said), said.append))
    for deaths in range(1, 8):
        await printed(child, deaths)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    await printed(child, 8)
    assert not keeper.done()
    keeper.cancel()
    await child.stop(said.append)


async def _never() -> None:
    await asyncio.Event().wait()


async def _at_once() -> None:
    return
