"""crm's own user in the embedded database: nobody else on this machine may read crm's data.

SecantusDB enforces sign-ins only when started with `--auth`, and has no user before that. So the
first start is without, for as long as it takes to make the user in a database that is still empty.
"""

import secrets
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.local.child import Child, Tell
from deploy.local.embedded import database_answers
from deploy.local.home import Home, write_private

USER = "crm"
DATABASE = "kaifu"  # KAIFU_CRM_DATABASE's default
_ROLES = [{"role": "readWrite", "db": DATABASE}]


async def provide_user(home: Home, open_database: Child, url: str, tell: Tell) -> None:
    """Make the user with a random password, unless that was done. Raises PartNotReady, PyMongoError.

    `open_database`: the database without `--auth`; it is started and stopped here.
    """
    if home.database_password_file.exists():
        return
    password = secrets.token_urlsafe(32)
    await open_database.start()
    try:
        await database_answers(url)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
        async with client:
            await _set_password(client, password)
    finally:
        await open_database.stop(tell)
    write_private(home.database_password_file, password)


async def _set_password(client: "AsyncMongoClient[dict[str, Any]]", password: str) -> None:
    try:
        await client.admin.command("createUser", USER, pwd=password, roles=_ROLES)
    except OperationFailure:  # made by a start that was cut off before it wrote the password down
        await client.admin.command("updateUser", USER, pwd=password, roles=_ROLES)
