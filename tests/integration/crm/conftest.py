"""One database process for crm's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher, profiles

from services.crm.adapters import passwords
from services.crm.collaborators import Collaborators, collaborate
from services.crm.store.database import Database
from tests.integration.crm.own_database import OwnDatabase, configuration, opened, own_database
from tests.integration.crm.people import Clock, People, make_people


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnDatabase]:
    """The process."""
    async with own_database(tmp_path_factory.mktemp("crm")) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """The parameters that argon2 has for tests: each test has three people, whose passwords would take most
    of a second. Those of production are tried by the unit tests and wherever a process of crm runs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_HASHER", PasswordHasher.from_parameters(profiles.CHEAPEST))
        yield


@pytest.fixture
def clock() -> Clock:
    """A clock that a test moves."""
    return Clock()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(server: OwnDatabase) -> AsyncIterator[Database]:
    """One database for all: making indexes takes seconds; tests have accounts of their own."""
    async with opened(server.url) as database:
        yield database


@pytest.fixture
def crm(database: Database, clock: Clock, tmp_path: Path) -> Collaborators:
    """crm's nouns."""
    return collaborate(configuration(tmp_path), database, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def people(crm: Collaborators) -> People:
    """Two accounts with their people and records."""
    return await make_people(crm)
