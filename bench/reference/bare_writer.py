"""A bare bulk writer: documents of a file into collections, batch by batch: the reference of crm's writes.

`python -m bench.reference.bare_writer <file>`; the database's address in BENCH_MONGODB_URL. It says `ready`
once it holds the documents and is connected, writes at the next line on its standard input, and says `done`.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import bson
import uvloop
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient

PREFIX = "bench_"  # before the name of the collection that the documents are of
BATCH = 200  # as crm's
_AS_KAIFU: CodecOptions[Any] = CodecOptions(tz_aware=True, uuid_representation=4)


async def main(file: Path, url: str) -> None:
    """Write once, then wait to be killed."""
    held = bson.decode(file.read_bytes(), _AS_KAIFU)  # noqa: ASYNC240 - before anything is measured
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        url, uuidRepresentation="standard", tz_aware=True, w="majority"
    )
    await client.admin.command("ping")
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for name, documents in held["collections"].items():
        collection = client[held["database"]][PREFIX + name]
        for first in range(0, len(documents), BATCH):
            await collection.insert_many(documents[first : first + BATCH], ordered=False)
    print("done", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), os.environ["BENCH_MONGODB_URL"]))
