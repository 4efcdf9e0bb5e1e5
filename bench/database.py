"""The databases of the benches: what a stack's holds, past crm, and a server faster than the embedded one.

The embedded server is Python, which would be most of what is measured. SecantusDB's server in Rust takes its
place: on the path, or named by KAIFU_DATABASE_PROGRAM. It too reads all rows that a query's filter matches
before it sorts and cuts them, although its explain says otherwise: 4 µs a row, seen with 0.5.3-beta.196.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from pymongo import MongoClient

from deploy.local.database_user import USER
from deploy.local.embedded import PROGRAM
from deploy.local.environment import mongodb_url
from deploy.local.rep import Json
from deploy.local.stack import Stack

Fresh = Callable[..., AbstractAsyncContextManager[Stack]]
INSTALL = (
    "needs secantusd-rs, SecantusDB's server in Rust: "
    "cargo install secantus-mdb --version 0.5.3-beta.196 (Rust 1.98, CMake, a C compiler), "
    f"or name it with {PROGRAM}"
)
_NAME = "secantusd-rs"
_CARGO = Path.home() / ".cargo" / "bin"


def quick() -> str | None:
    """Where the server in Rust is, or the one that is named; None: not here."""
    named = os.environ.get(PROGRAM) or _NAME
    return shutil.which(named) or shutil.which(named, path=_CARGO)


def on_quick(
    fresh: Fresh, services: tuple[str, ...], *, seeded: bool = True
) -> AbstractAsyncContextManager[Stack]:
    """A stack of these services on it. Raises RuntimeError where it is not."""
    program = quick()
    if program is None:
        raise RuntimeError(INSTALL)
    return fresh(services, seeded=seeded, variables={PROGRAM: program})


def quick_name() -> str:
    """Its name and version, for notes."""
    told = subprocess.run([quick() or _NAME, "--version"], capture_output=True, text=True, check=True)
    return f"database: {told.stdout.splitlines()[0]}"


def name() -> str:
    """The server of a stack that is made without a word on it, for notes."""
    return quick_name() if os.environ.get(PROGRAM) else "database: the embedded one"


def url_of(stack: Stack) -> str:
    """How crm reaches the stack's database."""
    return mongodb_url(stack.ports, USER, stack.home.database_password_file.read_text())


def opened(stack: Stack) -> MongoClient[Json]:
    """The stack's database, past crm."""
    return MongoClient(url_of(stack), uuidRepresentation="standard")
