"""The users of deploy/mongodb/users.js, made by the driver: the same roles, from the same file."""

import json
from collections.abc import Mapping
from typing import Any

from pymongo import AsyncMongoClient

from deploy.local.database_user import DATABASE
from deploy.local.home import REPOSITORY

ROLES: dict[str, list[str]] = json.loads((REPOSITORY / "deploy" / "mongodb" / "roles.json").read_text())
USERS = {role.removeprefix("kaifu").lower(): role for role in ROLES}


async def make_users(url: str, passwords: Mapping[str, str]) -> None:
    """Roles and users in a database that asks nobody to sign in yet. Raises PyMongoError."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    async with client:
        for role, actions in ROLES.items():
            rights = [{"resource": {"db": DATABASE, "collection": ""}, "actions": actions}]
            await client.admin.command("createRole", role, privileges=rights, roles=[])
        for user, role in USERS.items():
            await client.admin.command("createUser", user, pwd=passwords[user], roles=[role])
