"""`kaifu crm` as an operator runs it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from services.crm.adapters.signing_keys import load_or_create
from services.crm.collaborators import Collaborators
from services.crm.demo import ACCOUNT_ID
from services.crm.model.records import LegalBasisKind
from services.crm.store.database import Database
from shared.auth.tokens import Role
from shared.events.ids import new_id
from shared.http.problems import Problem
from tests.integration.crm.own_database import OwnDatabase
from tests.integration.crm.people import People


async def kaifu(url: str, *arguments: str) -> tuple[int, str]:
    """Exit code and standard output of `kaifu crm …`."""
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "crm", *arguments),
        env={**os.environ, "KAIFU_CRM_MONGODB_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_indexes_are_made_by_the_user_that_may_and_asked_for_by_the_other(
    server: OwnDatabase, database: Database
) -> None:
    """crm's own user may not: it says which are missing and what to run."""
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(server.url_of("migrate"))
    async with client:
        await client["kaifu"]["outbox"].drop_index("place_1")
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "crm", "migrate"),
        env={**os.environ, "KAIFU_CRM_MONGODB_URL": server.url},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"indexes of outbox are missing" in said
    assert await kaifu(server.url_of("migrate"), "migrate") == (0, "the indexes are there\n")
    await database.prepare()  # as crm's user: nothing is missing


async def test_signing_keys_are_made_once(tmp_path: Path) -> None:
    """And are what crm loads."""
    path = tmp_path / "signing.json"
    for _ in range(2):
        code, _ = await kaifu("mongodb://127.0.0.1:1/", "signing-keys", str(path))
        assert code == 0
    made = path.read_text()
    assert [key.kid for key in load_or_create(path).keys] == [json.loads(made)["keys"][0]["kid"]]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_demo_account_is_made_once(server: OwnDatabase, crm: Collaborators) -> None:
    """Passwords are told once and work; a second run adds nothing."""
    code, output = await kaifu(server.url, "seed-demo", "--json")
    assert code == 0
    users = json.loads(output)["users"]
    assert [user["role"] for user in users] == ["super_admin", "rep", "rep", "super_admin"]
    for user in users:
        new = await crm.sign_ins.sign_in(user["address"], user["password"], "127.0.0.1")
        assert new.session.account_id == ACCOUNT_ID
    contacts = (await crm.records.contacts.page(ACCOUNT_ID)).items
    assert {one.legal_basis.kind is LegalBasisKind.NONE for one in contacts} == {True, False}
    assert await crm.records.contacts.associations(ACCOUNT_ID, contacts[0].id)
    code, output = await kaifu(server.url, "seed-demo", "--json")
    assert [user["password"] for user in json.loads(output)["users"]] == [None] * 4
    assert (await crm.records.contacts.page(ACCOUNT_ID)).items == contacts
    assert len((await crm.records.tickets.page(ACCOUNT_ID)).items) == 3


async def test_an_account_and_its_password(server: OwnDatabase, crm: Collaborators) -> None:
    """Made once; its super admin gets a new password; a disabled user is out."""
    address = f"boss-{new_id().hex[-8:]}@new.example"
    code, output = await kaifu(server.url, "create-account", "New", address, "--person", "Boss")
    assert code == 0
    first = output.split()[-1]
    session = (await crm.sign_ins.sign_in(address, first, "a")).session
    assert (await crm.sign_ins.user(session.account_id, session.user_id)).role is Role.SUPER_ADMIN
    assert (await kaifu(server.url, "create-account", "New", address, "--person", "Boss"))[0] == 2
    code, output = await kaifu(server.url, "set-password", address)
    second = output.split()[-1]
    await crm.sign_ins.sign_in(address, second, "b")
    with pytest.raises(Problem):
        await crm.sign_ins.sign_in(address, first, "c")
    assert (await kaifu(server.url, "disable-user", address))[0] == 0
    with pytest.raises(Problem):
        await crm.sign_ins.sign_in(address, second, "d")


async def test_an_unknown_address_is_said(server: OwnDatabase, people: People) -> None:
    """Exit code 2, nothing changed."""
    for command in ("set-password", "disable-user"):
        assert (await kaifu(server.url, command, f"no-{people.rep.address}"))[0] == 2


async def test_an_absent_database_is_said() -> None:
    """Exit code 1, nothing on standard output."""
    assert await kaifu("mongodb://127.0.0.1:1/?directConnection=true", "seed-demo") == (1, "")
