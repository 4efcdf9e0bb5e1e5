"""Where a fault happens: the product, its load and its screens."""

import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import KeySet

from deploy.local.rep import Json
from shared.auth.tokens import LIFETIME, Role, SignedIn, issue
from shared.events.ids import derived_id
from shared.tokens.keyring import KeyRing
from tests.chaos.ledger import Broker, Records
from tests.chaos.load import Contact, Load, Poster
from tests.chaos.screens import Screen
from tests.chaos.stack import Stack
from tests.integration.client import signed_in

_FRESH_FOR_S = 300.0
_CONTACTS = (("olivia", "northwind"), ("zoe", "northwind"), ("kobayashi", "minato"))  # of the demo account


@dataclass
class Arena:
    """`seconds`: how long the fault lasts; `facts`: what else is worth knowing, for the results."""

    stack: Stack
    load: Load
    screens: list[Screen]
    broker: Broker
    records: Records
    random: random.Random
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict)

    def lasting(self, at_least: float = 0.0) -> Iterator[float]:
        """Seconds since the fault began, until it has lasted long enough."""
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < max(self.seconds, at_least):
            yield elapsed


class Tokens:
    """Access tokens of one user, signed with crm's keys, since crm may be away when one is needed."""

    def __init__(self, stack: Stack, me: Json) -> None:
        self._keys = KeySet.import_key_set(json.loads(stack.home.signing_keys.read_text()))
        self._issuer = stack.addresses["app_url"]
        self._me = me
        self._token, self._made_at = "", float("-inf")

    def __call__(self) -> str:
        """A token that lasts some minutes at least."""
        if time.monotonic() - self._made_at > _FRESH_FOR_S:
            expires_at = datetime.now(UTC) + LIFETIME
            user, account = UUID(self._me["user_id"]), UUID(self._me["account_id"])
            who = SignedIn(user, account, Role(self._me["role"]), uuid4(), expires_at)
            self._token, self._made_at = issue(self._keys, self._issuer, who), time.monotonic()
        return self._token


async def rep_of(stack: Stack) -> tuple[Tokens, Poster]:
    """A rep of the demo account."""
    async with signed_in(stack.addresses, stack.sign_ins) as rep:
        me = await rep.get("/v1/me")
    tokens = Tokens(stack, me)
    contacts = [
        Contact(derived_id("demo", "contact", name), f"{name}@{company}.example")
        for name, company in _CONTACTS
    ]
    return tokens, Poster(me["address"], tokens, contacts)


@asynccontextmanager
async def arena(stack: Stack, run: str, seed: int, seconds: float, screens: int) -> AsyncIterator[Arena]:
    """A fresh load and fresh screens on a stack that is ready."""
    tokens, poster = await rep_of(stack)
    load = Load(run, seed, poster, stack.ports["ingest"], stack.ports["tracking"])
    keys = KeyRing.load(stack.home.ring("cursors"))
    made = [
        Screen(f"screen {number}", lambda: stack.push_ports, tokens, keys, random.Random(f"{seed} {number}"))
        for number in range(screens)
    ]
    broker, records = Broker(stack.kafka), Records(stack.mongodb_url)
    try:
        yield Arena(stack, load, made, broker, records, random.Random(f"{run} {seed}"), seconds)
    finally:
        await broker.close()
        await records.close()
