"""The home: private files made once, one runner at a time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.home import RINGS, AlreadyRunning, Home, write_private
from shared.tokens.keyring import KeyRing


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_private_and_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "var")
    home.make()
    before = {ring: home.ring(ring).read_bytes() for ring in RINGS}
    token = home.directory_token()
    home.make()
    assert {ring: home.ring(ring).read_bytes() for ring in RINGS} == before
    assert home.directory_token() == token
    assert len(token) >= 32
    assert _mode(home.root) == 0o700
    for file in home.keys.iterdir():
        assert _mode(file) == 0o600
    for ring in RINGS:
        assert KeyRing.load(home.ring(ring)).current == 1


def test_only_one_runner_holds_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "var")
    assert home.runner() is None
    with home.held():
        assert home.runner() == os.getpid()
        files = (home.addresses, home.processes)
        for file in files:
            write_private(file, "{}")
        with pytest.raises(AlreadyRunning, match=f"already running .process {os.getpid()}"), home.held():
            pass
        assert all(file.exists() for file in files), "the second took nothing from the first"
    assert home.runner() is None
    assert not any(file.exists() for file in files)


def test_a_killed_runner_leaves_the_home_free(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy.local.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with home.held():\n"
        "    home.addresses.write_text('{\"pid\": 1}'); print('held', flush=True); time.sleep(60)"
    )
    home = Home(tmp_path / "var")
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.root)], stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "held\n"
        assert home.runner() == runner.pid
        runner.kill()
    assert home.runner() is None
    assert home.running() is None, "stale addresses are not believed"
    with home.held():
        assert not home.addresses.exists()


def test_addresses_count_only_while_their_runner_lives(tmp_path: Path) -> None:
    home = Home(tmp_path / "var")
    with home.held():
        assert home.running() is None
        write_private(home.addresses, json.dumps({"pid": os.getpid()}))
        assert home.running() == {"pid": os.getpid()}
        write_private(home.addresses, json.dumps({"pid": os.getpid() + 1}))
        assert home.running() is None
