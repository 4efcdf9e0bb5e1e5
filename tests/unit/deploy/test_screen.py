"""A screen collects what it is told and says what it missed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from deploy.local.screen import NotTold, Screen, open_screen


@asynccontextmanager
async def told(*frames: dict[str, object], close: bool = False) -> AsyncIterator[Screen]:
    """A screen on a server that sends these frames after `ready`."""

    async def handle(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        assert asked == {"type": "authenticate", "access_token": "token"}
        for frame in ({"type": "ready", "cursor": "c0"}, *frames):
            await connection.send(json.dumps(frame))
        if not close:
            await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with open_screen(f"ws://127.0.0.1:{port}", "token") as screen:
            yield screen


def event(cursor: str, **fields: object) -> dict[str, object]:
    return {"type": "event", "cursor": cursor, "event": {"type": "notification_raised", **fields}}


async def test_an_event_is_found_by_its_fields() -> None:
    async with told(event("c1", message_id="a"), event("c2", message_id="b")) as screen:
        assert (await screen.event(message_id="b"))["message_id"] == "b"
        assert (await screen.event(message_id="a"))["message_id"] == "a"
        assert screen.cursor == "c2"


async def test_what_is_missed_is_said_with_what_was_told() -> None:
    async with told(event("c1", message_id="a")) as screen:
        await screen.event(message_id="a")
        with pytest.raises(NotTold, match=r"told were \['ready', 'notification_raised'\]"):
            await screen.event(0.05, message_id="b")


async def test_a_closed_socket_ends_the_wait() -> None:
    async with told(close=True) as screen:
        with pytest.raises(NotTold, match="the socket closed"):
            await screen.event(message_id="a")
