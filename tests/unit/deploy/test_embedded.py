"""How the embedded database is started."""

import sys
from pathlib import Path

from deploy.local.embedded import PROGRAM, database_command
from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.stack import Stack


def test_another_server_gets_the_same_options(tmp_path: Path) -> None:
    own = database_command(1234, tmp_path, sign_in=True)
    other = database_command(1234, tmp_path, sign_in=True, program="another")
    assert own[:3] == [sys.executable, "-m", "deploy.local.database"]
    assert other == ["another", *own[3:]]
    assert "--auth" in other
    assert "--auth" not in database_command(1234, tmp_path, sign_in=False, program="another")


async def test_a_stack_starts_the_server_that_its_environment_names(tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/started\n')
    server.chmod(0o755)
    stack = Stack(Home(tmp_path / "home"), Ports.free(), base={PROGRAM: str(server)}, tell=lambda _: None)
    stack.home.make()
    child = stack._database(sign_in=True)
    await child.start()
    await child.unexpected_end()
    assert f"--port {stack.ports['database']}" in (tmp_path / "started").read_text()
