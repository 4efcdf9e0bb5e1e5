"""A database of a test's own, which can be killed and started again on its files."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.local.embedded import database_answers, database_command
from services.crm.adapters.signing_keys import new_keys
from services.crm.collaborators import Configuration, collaborate
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from shared.directory.client import DirectorySettings
from shared.events.ids import new_id
from shared.settings import PublicAddresses
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing


class OwnDatabase:
    """The embedded database on a free port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self._folder = folder / "database"
        self._folder.mkdir()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    async def start(self) -> None:
        """Start it on its files; returns when it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *database_command(self.port, self._folder, sign_in=False),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        await database_answers(self.url)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def own_database(folder: Path) -> AsyncIterator[OwnDatabase]:
    """A started database, killed at the end."""
    database = OwnDatabase(folder)
    await database.start()
    try:
        yield database
    finally:
        await database.kill()


def configuration_without_keys() -> Configuration:
    """Enough to wire the stores."""
    return Configuration(
        settings=CrmSettings(),
        addresses=PublicAddresses(),
        directory=DirectorySettings(token=SecretStr("")),
        signing_keys=new_keys(),
        receipts=KeyRing(0, {}),
    )


def configuration(folder: Path) -> Configuration:
    """Fresh keys, the defaults otherwise."""
    ring = folder / f"{new_id()}.json"
    keyring.create(ring)
    return Configuration(
        settings=CrmSettings(),
        addresses=PublicAddresses(),
        directory=DirectorySettings(token=SecretStr("the services' token")),
        signing_keys=new_keys(),
        receipts=KeyRing.load(ring),
    )


@asynccontextmanager
async def opened(url: str, name: str = "kaifu") -> AsyncIterator[Database]:
    """A connection to a database that has its collections and indexes."""
    database = Database(url, name)
    try:
        collaborate(configuration_without_keys(), database)
        await database.prepare()
        yield database
    finally:
        database.close()
