"""Children: started, watched, ended, never orphaned. Real processes stand in for services."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import child as child_module
from deploy.local.child import Child

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
COUNTER = "import time\nwhile True: print('on', flush=True); time.sleep(0.01)"
PARENT = (
    "import subprocess, sys, time\n"
    "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(inner.pid, flush=True); time.sleep(60)"
)


def make(tmp_path: Path, program: str, grace_s: float = 10.0) -> Child:
    return Child(
        "stand-in",
        lambda: (sys.executable, "-c", program),
        dict(os.environ),
        tmp_path / "stand-in.log",
        tmp_path,
        grace_s,
    )


async def printed(child: Child, lines: int = 1) -> list[str]:
    async with asyncio.timeout(10):
        while True:
            found = child.log.read_text().splitlines() if child.log.exists() else []
            if len(found) >= lines:
                return found
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while _alive(pid):
            await asyncio.sleep(0.01)


async def became(pid: int, text: str) -> None:
    """Wait until the tether is the command that it was given."""
    async with asyncio.timeout(10):
        while text not in (words := Path(f"/proc/{pid}/cmdline").read_text()) or "tether.py" in words:
            await asyncio.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def said() -> list[str]:
    return []


async def test_ends_at_sigterm_without_a_word(tmp_path: Path, said: list[str]) -> None:
    child = make(tmp_path, SLEEPER)
    await child.start()
    await printed(child)
    pid = child.pid
    assert pid is not None
    await child.stop(said.append)
    assert not _alive(pid)
    assert child.pid is None
    assert said == []


async def test_killed_after_the_grace_and_said(tmp_path: Path, said: list[str]) -> None:
    child = make(tmp_path, DEAF, grace_s=0.3)
    await child.start()
    await printed(child)
    async with asyncio.timeout(20):
        await child.stop(said.append)
    assert child.pid is None
    assert said == ["stand-in did not stop within 0 s and is killed"]


async def test_what_a_child_forked_ends_with_it(tmp_path: Path, said: list[str]) -> None:
    child = make(tmp_path, PARENT)
    await child.start()
    inner = int((await printed(child))[0])
    assert _alive(inner)
    await child.stop(said.append)
    await gone(inner)


async def test_what_a_child_forked_ends_when_it_dies_by_itself(tmp_path: Path) -> None:
    child = make(tmp_path, PARENT)
    await child.start()
    inner = int((await printed(child))[0])
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await child.unexpected_end()
    await gone(inner)


async def test_the_last_resort_ends_even_a_deaf_child(tmp_path: Path) -> None:
    child = make(tmp_path, DEAF)
    await child.start()
    await printed(child)
    pid = child.pid
    assert pid is not None
    child.kill()
    await gone(pid)


async def test_an_unexpected_end_tells_signal_and_last_error(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER)
    await child.start()
    await printed(child)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSEGV)
    assert str(await child.unexpected_end()) == "killed by SIGSEGV"
    assert child.last_error() == "up"


async def test_the_last_error_is_of_this_run(tmp_path: Path) -> None:
    child = make(
        tmp_path,
        "import sys, pathlib; flag = pathlib.Path('flag')\n"
        "if not flag.exists(): flag.touch(); sys.exit('first trouble')\n"
        "sys.exit(3)",
    )
    await child.start()
    assert (await child.unexpected_end()).code == 1
    assert child.last_error() == "first trouble"
    await child.start()
    assert str(await child.unexpected_end()) == "exit code 3"
    assert child.last_error() == ""


async def test_a_wished_restart_is_no_unexpected_end(tmp_path: Path, said: list[str]) -> None:
    child = make(tmp_path, SLEEPER)
    await child.start()
    await printed(child)
    watching = asyncio.create_task(child.unexpected_end())
    first = child.pid
    await child.restart(said.append)
    await printed(child, 2)
    assert child.pid not in (None, first)
    assert not watching.done()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    assert str(await watching) == "killed by SIGKILL"


async def test_a_command_that_is_missing_says_so(tmp_path: Path) -> None:
    child = Child("lost", lambda: ("/no/such/program",), {}, tmp_path / "lost.log", tmp_path)
    await child.start()
    assert (await child.unexpected_end()).code == 127
    assert child.last_error() == "can't run /no/such/program: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_child_dies_with_its_killed_starter(tmp_path: Path) -> None:
    tether = Path(child_module.__file__).with_name("tether.py")
    program = (
        "import os, subprocess, sys, time\n"
        f"inner = subprocess.Popen([sys.executable, '-I', '-S', {str(tether)!r}, str(os.getpid()), "
        "sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(inner.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        try:
            inner = int(starter.stdout.readline())
            await became(inner, "time.sleep")
        finally:
            starter.kill()
    await gone(inner)


async def test_a_tether_whose_starter_is_already_gone_runs_nothing(tmp_path: Path) -> None:
    tether = Path(child_module.__file__).with_name("tether.py")
    mark = tmp_path / "mark"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tether), "1", "touch", str(mark)], check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert not mark.exists()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


async def test_a_paused_one_does_nothing_until_it_is_resumed_and_ends_when_asked(tmp_path: Path) -> None:
    child = make(tmp_path, COUNTER)
    await child.start()
    assert child.pid is not None
    await printed(child)
    child.pause()
    async with asyncio.timeout(10):
        while _state(child.pid) != "T":
            await asyncio.sleep(0.01)
    seen = len(await printed(child))
    child.resume()
    await printed(child, seen + 1)
    child.pause()
    told: list[str] = []
    await child.stop(told.append)
    assert told == [], "it heard the SIGTERM"
    assert child.pid is None
