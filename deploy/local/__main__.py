"""`python -m deploy.local up|down|logs|reset`: what the Makefile calls."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local import show
from deploy.local.brokers import UnknownBroker
from deploy.local.embedded import PartNotReady
from deploy.local.environment import ops_urls, whole_environment
from deploy.local.home import PARTS, REPOSITORY, AlreadyRunning, Home, default_home
from deploy.local.logs import Follower, rendered
from deploy.local.ports import Ports, PortUnavailable
from deploy.local.seed import SeedFailed, known_sign_ins
from deploy.local.stack import Stack
from deploy.local.supervisor import GaveUp

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
console = Console()
DOWN_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.1


def say(line: str) -> None:
    """One plain line, at once, whatever standard output is."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def up(detach: Annotated[bool, typer.Option(help="return when ready; `down` stops it")] = False) -> None:
    """Start everything and stay until Ctrl-C. Exit code 2: a port is taken, or it runs already."""
    if detach:
        raise typer.Exit(_up_detached())
    try:
        ports = Ports.from_environment(os.environ)
        raise typer.Exit(asyncio.run(_up(Stack(default_home(), ports, base=os.environ, tell=say))))
    except (AlreadyRunning, PortUnavailable, UnknownBroker) as error:
        say(str(error))
        raise typer.Exit(2) from None


async def _up(stack: Stack) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wish in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(wish, stopping.set)
    running = asyncio.create_task(_run(stack))
    wished = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, wished}, return_when=asyncio.FIRST_COMPLETED)
    wished.cancel()
    if not running.done():
        say("Stopping")
        running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        say("Stopped")
        return 0
    except (GaveUp, PartNotReady, SeedFailed) as error:
        say(str(error))
        return 1
    return 1


async def _run(stack: Stack) -> None:
    async with stack:
        show.ready(console, stack.addresses, stack.sign_ins)
        await stack.failed()


def _up_detached() -> int:
    """Start the runner in a session of its own and pass on what it says until it is ready."""
    ours = default_home()
    if (runner := ours.runner()) is not None:
        say(str(AlreadyRunning(runner)))
        return 2
    with ours.new_console().open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", "deploy.local", "up"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=REPOSITORY,
            env=os.environ | {"COLUMNS": str(console.width), "KAIFU_HOME": str(ours.root)},
        )
    said = Follower({"console": ours.console}, history=0)
    while process.poll() is None and ours.running() is None:
        _pass_on(said)
        time.sleep(_LOOK_EVERY_S)
    if (addresses := ours.running()) is None:
        _pass_on(said)
        return process.returncode
    show.ready(console, addresses, known_sign_ins(ours))
    return 0


def _pass_on(said: Follower) -> None:
    for _, line in said.new_lines():
        say(line)


@app.command()
def down() -> None:
    """Stop what `up` started and wait for its end."""
    runner = default_home().runner()
    if runner is None:
        say("Kaifu is not running")
        return
    os.kill(runner, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_WITHIN_S
    while default_home().runner() == runner:
        if time.monotonic() > deadline:
            say(f"process {runner} has not stopped within {DOWN_WITHIN_S:.0f} s")
            raise typer.Exit(1)
        time.sleep(_LOOK_EVERY_S)
    say("Stopped")


@app.command()
def logs(
    service: Annotated[str, typer.Option(help="one part: " + ", ".join(PARTS))] = "",
    follow: Annotated[bool, typer.Option(help="go on until Ctrl-C")] = True,
) -> None:
    """Show the logs of all parts, or of one, and follow them."""
    if service and service not in PARTS:
        raise typer.BadParameter(f"no part {service!r}; there are {', '.join(PARTS)}")
    follower = Follower({part: default_home().log(part) for part in ([service] if service else PARTS)})
    try:
        for part, line in follower.follow() if follow else follower.new_lines():
            console.print(rendered(part, line), soft_wrap=True)
    except KeyboardInterrupt:
        return


@app.command()
def doctor() -> None:
    """Say what is wrong and what to do. Exit code 1 if anything is."""
    ours = default_home()
    try:
        ports = Ports.from_environment(os.environ)
        environment = whole_environment(ours, ports, os.environ)
    except (FileNotFoundError, PortUnavailable, UnknownBroker) as error:
        say(
            "WRONG here: nothing was ever started, or its keys are gone -> run `make up`, or restore a backup"
        )
        if not isinstance(error, FileNotFoundError):
            say(str(error))
        raise typer.Exit(1) from None
    asked = [part for name, url in ops_urls(ports).items() for part in ("--ops", f"{name}={url}")]
    raise typer.Exit(_kaifu(ours, environment, "doctor", *asked))


def _kaifu(ours: Home, environment: Mapping[str, str], *arguments: str) -> int:
    """The product's own command line in the environment of the services; its exit code."""
    command = (str(Path(sys.executable).with_name("kaifu")), *arguments)
    return subprocess.run(command, env=dict(environment), cwd=ours.root, check=False).returncode


@app.command()
def backup(
    path: Annotated[Path | None, typer.Argument(help="a new file; default: named for the time, here")] = None,
) -> None:
    """Write keys and data to a file that only you can read. Kaifu must run."""
    ours = default_home()
    if ours.running() is None:
        say("Kaifu is not running: start it first with `make up`")
        raise typer.Exit(2)
    given = path or Path(f"kaifu-{time.strftime('%Y%m%d-%H%M%S')}.backup")
    environment = whole_environment(ours, Ports.from_environment(os.environ), os.environ)
    code = _kaifu(ours, environment, "backup", str(given.absolute()), *_also(ours))
    if code == 0:
        say(f"written: {given}")
    raise typer.Exit(code)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)
def replay(context: typer.Context) -> None:
    """Judge past hits by other rules, with the options of `kaifu replay`. Kaifu must run."""
    ours = default_home()
    if ours.running() is None:
        say("Kaifu is not running: start it first with `make up`")
        raise typer.Exit(2)
    environment = whole_environment(ours, Ports.from_environment(os.environ), os.environ)
    raise typer.Exit(_kaifu(ours, environment, "replay", *context.args))


@app.command()
def restore(
    path: Path,
    force: Annotated[bool, typer.Option(help="replace the data and keys that are there")] = False,
) -> None:
    """Put keys and data back. Kaifu must be stopped; start it afterwards."""
    try:
        code = asyncio.run(_restore(path.absolute(), force=force))
    except (AlreadyRunning, PortUnavailable, PartNotReady) as error:
        say(str(error))
        raise typer.Exit(2) from None
    raise typer.Exit(code)


async def _restore(path: Path, *, force: bool) -> int:
    """With nothing but the database running."""
    stack = Stack(default_home(), Ports.from_environment(os.environ), base=os.environ, tell=say)
    async with stack.database_alone() as environment:
        arguments = ["restore", str(path), *_also(stack.home), *(["--force"] if force else [])]
        return await asyncio.to_thread(_kaifu, stack.home, environment, *arguments)


def _also(ours: Home) -> list[str]:
    """The demo account's passwords, which only this file knows."""
    return ["--file", f"{ours.sign_ins.name}={ours.sign_ins}"]


@app.command()
def reset(force: Annotated[bool, typer.Option(help="don't ask")] = False) -> None:
    """Delete the home: data, keys, logs. Addresses in mail that was sent with them are dead then."""
    ours = default_home()
    if (runner := ours.runner()) is not None:
        say(f"Kaifu is running (process {runner}): stop it first with `make down`")
        raise typer.Exit(2)
    if not ours.root.exists():
        say(f"nothing at {ours.root}")
        return
    if not (ours.run.is_dir() and ours.keys.is_dir()):
        say(f"{ours.root} is not a home of Kaifu: nothing is deleted")
        raise typer.Exit(2)
    if not force and not typer.confirm(f"Delete {ours.root}: all data, keys and sign-ins?"):
        raise typer.Exit(1)
    shutil.rmtree(ours.root)
    say(f"deleted {ours.root}")


@app.command()
def sign_ins() -> None:
    """Print the demo account's sign-ins as they were made."""
    console.print_json(data=known_sign_ins(default_home()))


if __name__ == "__main__":
    app()
