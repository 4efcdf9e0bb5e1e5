"""Clients of the notifier, which follow with cursors as the extension does and remember every id."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from services.notifier.cursor import open_cursor
from shared.tokens.keyring import KeyRing
from tests.chaos.oracle import Pushed

_AGAIN_AFTER_S = 0.3
_OPEN_WITHIN_S = 5.0


@dataclass
class Screen:
    """One client. `drops_every_s`: it breaks its connection so often; 0: never. `ports`: of the replicas.

    `resyncs`: how often it was told to load afresh; `connections`: how often it connected; `closed`: how
    often a connection ended, by its code.
    """

    name: str
    ports: Callable[[], Sequence[int]]
    token: Callable[[], str]
    cursor_keys: KeyRing
    random: random.Random
    drops_every_s: float = 0.0
    events: list[UUID] = field(default_factory=list)
    told: set[UUID] = field(default_factory=set)
    reloaded: dict[int, int] = field(default_factory=dict)
    cursor: str | None = None
    connections: int = 0
    closed: Counter[int] = field(default_factory=Counter)
    resyncs: int = 0

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            port = self.random.choice(self.ports())
            where = f"ws://127.0.0.1:{port}/v1/stream" + (f"?after={self.cursor}" if self.cursor else "")
            try:
                async with connect(
                    where, proxy=None, open_timeout=_OPEN_WITHIN_S, close_timeout=1
                ) as connection:
                    self.connections += 1
                    try:
                        await self._read(connection)
                    finally:
                        self.closed.update([code] if (code := connection.close_code) else [])
            except (OSError, ConnectionClosed, InvalidHandshake, EOFError):
                pass  # the server is away or ends it; so does a client that drops
            await asyncio.sleep(_AGAIN_AFTER_S * self.random.random())

    async def following(self) -> None:
        """Wait until it has a cursor. TimeoutError."""
        async with asyncio.timeout(30.0):
            while self.cursor is None:
                await asyncio.sleep(0.05)

    def pushed(self) -> Pushed:
        """For the oracle."""
        return Pushed(list(self.events), frozenset(self.told), dict(self.reloaded))

    async def _read(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps({"type": "authenticate", "access_token": self.token()}))
        try:
            async with asyncio.timeout(self.drops_every_s or None):
                async for message in connection:
                    self._take(json.loads(message))
        except TimeoutError:
            connection.transport.abort()

    def _take(self, message: dict[str, Any]) -> None:
        self.cursor = str(message.get("cursor") or self.cursor)
        match message:
            case {"type": "event", "event": event}:
                self.events.append(UUID(event["event_id"]))
                if "notification_id" in event:
                    self.told.add(UUID(event["notification_id"]))
            case {"type": "summary", "notification_ids": ids}:
                self.told.update(map(UUID, ids))
            case {"type": "resync"}:
                self.resyncs += 1
                cursor = open_cursor(self.cursor_keys, self.cursor)
                assert cursor is not None
                self.reloaded[cursor.partition] = cursor.next_offset
