"""The demo account: made by crm's own command, its passwords kept beside the data."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.home import Home, write_private
from shared.auth.tokens import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Who may sign in to the demo account."""

    name: str
    address: str
    password: str
    role: Role


class SeedFailed(RuntimeError):
    """The demo account could not be made; the message ends with the command's last line."""


async def seed(home: Home, environment: Mapping[str, str]) -> dict[str, Any]:
    """Make the demo account at the first start; returns what is known of it, sign-ins included.

    crm stores hashes only and prints passwords once, so what it prints is kept in a private file,
    whose presence says that the account is made. Raises SeedFailed.
    """
    if known := known_sign_ins(home):
        return known
    command = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("kaifu")), "crm", "seed-demo", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd=home.root,
    )
    output, errors = await command.communicate()
    if command.returncode != 0:
        last = (errors.decode(errors="replace").strip().splitlines() or ["no output"])[-1]
        raise SeedFailed(f"`kaifu crm seed-demo` failed (exit code {command.returncode}): {last}")
    made: dict[str, Any] = json.loads(output)
    write_private(home.sign_ins, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    return made


def known_sign_ins(home: Home) -> dict[str, Any]:
    """What was printed when the account was made; {} if nothing was."""
    try:
        known: dict[str, Any] = json.loads(home.sign_ins.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def people(sign_ins: Mapping[str, Any], role: Role) -> list[Person]:
    """The people of a role whose passwords are known, in the order of the account."""
    return [
        Person(user["name"], user["address"], user["password"], role)
        for user in sign_ins.get("users", [])
        if user["role"] == role.value and user.get("password")
    ]
