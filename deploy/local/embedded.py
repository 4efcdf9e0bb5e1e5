"""The embedded database, and when it and a broker answer."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.local.ports import LOOPBACK
from shared.bus.connection import client_options
from shared.bus.topics import create_topics
from shared.settings import KafkaSettings

START_WITHIN_S = 60.0
PROGRAM = "KAIFU_DATABASE_PROGRAM"  # names a server with SecantusDB's options that runs in its place
_LOOK_EVERY_S = 0.05


class PartNotReady(RuntimeError):
    """A part did not become ready in time; the message says which and why."""


def database_command(port: int, folder: Path, *, sign_in: bool, program: str = "") -> Sequence[str]:
    """SecantusDB. Without `--sync-on-commit` it forgets acknowledged transactions when killed.

    `program`: what runs in its place, as PROGRAM names it.
    """
    return [
        *([program] if program else (sys.executable, "-m", "deploy.local.database")),
        *("--host", LOOPBACK, "--port", str(port)),
        *("--storage-path", str(folder)),
        "--sync-on-commit",
        *(["--auth"] if sign_in else []),
    ]


async def broker_with_topics(settings: KafkaSettings) -> None:
    """Wait for the broker and make its topics. Raises PartNotReady, TopicMismatch."""
    host, _, port = settings.bootstrap.rpartition(":")
    await _until("the broker", lambda: _listens(host, int(port)), OSError)  # the client is loud about it
    await _until("the broker", lambda: create_topics(settings), KafkaError)
    await _until("the broker's group coordinator", lambda: _keeps_groups(settings), KafkaError)


async def _keeps_groups(settings: KafkaSettings) -> None:
    """Apache Kafka makes its topic of offsets when first asked; consumers are loud about it meanwhile."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        await admin.find_coordinator("kaifu")
    finally:
        await admin.close()


async def database_answers(url: str) -> None:
    """Wait for the database's answer to a ping. Raises PartNotReady."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, serverSelectionTimeoutMS=500)
    try:
        await _until("the database", lambda: client.admin.command("ping"), PyMongoError)
    finally:
        await client.close()


async def _listens(host: str, port: int) -> None:
    _, connection = await asyncio.open_connection(host, port)
    connection.close()
    await connection.wait_closed()


async def _until(part: str, attempt: Callable[[], Awaitable[object]], failure: type[Exception]) -> None:
    reason: Exception | None = None
    try:
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                try:
                    await attempt()
                except failure as error:
                    reason = error
                else:
                    return
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise PartNotReady(f"{part} did not answer within {START_WITHIN_S:.0f} s ({reason})") from None
