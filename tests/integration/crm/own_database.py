"""A database of a test's own, which can be killed and started again on its files.

crm's user has the rights of production there, and the indexes are made by the user that may make them.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.local.embedded import PROGRAM, database_answers, database_command
from deploy.local.environment import mongodb_url
from deploy.local.ports import Ports
from services.crm.adapters.signing_keys import new_keys
from services.crm.collaborators import Configuration, collaborate
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from shared.directory.client import DirectorySettings
from shared.events.ids import new_id
from shared.settings import PublicAddresses
from shared.tokens import keyring
from shared.tokens.keyring import KeyRing
from tests.integration.crm.database_users import USERS, make_users

_PASSWORD = "of-all-users"


class OwnDatabase:
    """The embedded database on a free port."""

    def __init__(self, folder: Path) -> None:
        self._ports = Ports.free()
        self.port = self._ports["database"]
        self._folder = folder / "database"
        self._folder.mkdir()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """How crm reaches it."""
        return self.url_of("crm")

    def url_of(self, user: str) -> str:
        """How a user of deploy/mongodb/users.js reaches it."""
        return mongodb_url(self._ports, user, _PASSWORD)

    async def start(self) -> None:
        """Start it on its files; returns when it answers."""
        if not any(self._folder.iterdir()):
            await self._start(sign_in=False)
            await make_users(mongodb_url(self._ports), dict.fromkeys(USERS, _PASSWORD))
            await self.kill()
        await self._start(sign_in=True)

    async def _start(self, *, sign_in: bool) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *database_command(self.port, self._folder, sign_in=sign_in, program=os.environ.get(PROGRAM, "")),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        await database_answers(mongodb_url(self._ports))

    def send(self, wish: signal.Signals) -> None:
        """A signal: SIGSTOP makes it silent, SIGCONT goes on."""
        assert self._process is not None
        self._process.send_signal(wish)

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
        async with opened(database.url_of("migrate")):
            yield database
    finally:
        await database.kill()


def configuration(folder: Path) -> Configuration:
    """Fresh keys, the defaults otherwise."""
    ring = folder / f"{new_id()}.json"
    keyring.create(ring)
    return Configuration(
        settings=CrmSettings(places=folder),
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
        collaborate(Configuration.without_keys(CrmSettings()), database)
        await database.prepare()
        yield database
    finally:
        database.close()
