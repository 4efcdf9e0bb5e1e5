"""Rings, tokens and fakes that several tests of ingest build on."""

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from services.ingest.durability import BrokerAway, SpoolFull
from services.ingest.model import Door, Record, Segment
from shared.quota import Quota
from shared.tokens.keyring import KeyRing

PLENTY: Quota[bytes] = Quota(per_s=1e6, burst=1_000_000)
ACCOUNT = UUID("01934e3a-0000-7000-8000-0000000000aa")
MESSAGE = UUID("01934e3a-0000-7000-8000-0000000000bb")


def ring(folder: Path, *key_ids: int, current: int | None = None) -> KeyRing:
    """A ring with fixed keys: the same id is the same key in every ring."""
    ids = key_ids or (1,)
    keys = {str(key_id): base64.b64encode(bytes([key_id]) * 64).decode() for key_id in ids}
    path = folder / f"ring-{'-'.join(keys)}.json"
    path.write_text(json.dumps({"current": current or ids[-1], "keys": keys}))
    return KeyRing.load(path)


def record(number: int, message_id: UUID = MESSAGE) -> Record:
    """A small record that says its number."""
    value = b'{"number":%d}' % number
    return Record(Door.PIXEL, str(message_id).encode(), value, (("traceparent", b"00-ab-cd-01"),))


class FakeBroker:
    """Takes records, or doesn't: `away` refuses, `stalled` never answers while set."""

    def __init__(self) -> None:
        self.connected = True
        self.away = False
        self.stalled: asyncio.Event | None = None
        self.taken: list[Record] = []
        self.groups: list[int] = []
        self.asked = 0

    async def produce_group(self, records: Sequence[Record]) -> None:
        """As services.ingest.durability.Broker."""
        await self.produce(records)

    async def produce(self, records: Sequence[Record]) -> None:
        """As services.ingest.durability.Broker."""
        self.asked += 1
        if self.stalled is not None:
            await self.stalled.wait()
        if self.away:
            raise BrokerAway("away")
        await asyncio.sleep(0)
        self.taken.extend(records)
        self.groups.append(len(records))


class FakeSpool:
    """Segments in memory; `full` refuses."""

    def __init__(self) -> None:
        self.writable = True
        self.full = False
        self.segments: list[Segment] = []

    @property
    def records(self) -> list[Record]:
        """All that is stored."""
        return [record for segment in self.segments for record in segment.records]

    async def append(self, records: Sequence[Record]) -> None:
        """As services.ingest.durability.Spool."""
        await asyncio.sleep(0)
        self.writable = not self.full
        if self.full:
            raise SpoolFull("no space left")
        self.segments.append(Segment(str(len(self.segments)), tuple(records), 1))

    async def oldest(self) -> Segment | None:
        """As services.ingest.durability.Spool."""
        return self.segments[0] if self.segments else None

    async def remove(self, segment: Segment) -> None:
        """As services.ingest.durability.Spool."""
        self.segments.remove(segment)

    async def probe(self) -> None:
        """As services.ingest.durability.Spool."""
        self.writable = not self.full
