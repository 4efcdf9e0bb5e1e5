"""Who uses the stack in tests: signed-in people of the demo account."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local import brokers
from deploy.local.rep import Json, Rep, http_client
from deploy.local.seed import people
from deploy.local.sign_in import access_token
from shared.auth.tokens import Role

# An empty fetch of the embedded broker sleeps half of its maximum wait. The runner's 5 ms, for people who
# watch a screen, keep a third of a core busy for as long as a stack is there; `make up` is tried with them.
UNHURRIED = {"KAIFU_KAFKA_FETCH_MAX_WAIT_MS": "100"}


def clean_environment() -> dict[str, str]:
    """This process's environment without what a developer has set for Kaifu; the broker asked for stays."""
    ours = ("KAIFU_", "PUBLIC_")
    return {
        name: value
        for name, value in os.environ.items()
        if name == brokers.VARIABLE or not name.startswith(ours)
    }


@asynccontextmanager
async def signed_in(
    addresses: Json, sign_ins: Json, role: Role = Role.REP, number: int = 0
) -> AsyncIterator[Rep]:
    """The account's first (or another) person of a role, signed in through the page."""
    who = people(sign_ins, role)[number]
    async with http_client() as http:
        token = await access_token(http, addresses["app_url"], who.address, who.password)
        yield Rep(http, addresses, token, who.address)
