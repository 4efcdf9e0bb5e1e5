"""What passes through ingest: a record on its way to Kafka, and the evidence kept of a fetch."""

from enum import StrEnum
from typing import NamedTuple

EVIDENCE_HEADERS = (
    "accept",
    "accept-language",
    "from",
    "purpose",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-purpose",
    "via",
    "x-moz",
)
"""Request headers kept with a hit, besides the user agent: they tell prefetchers, previews and proxies
from readers (`purpose`, `sec-purpose`, `x-moz`: prefetch; `from`: a robot's owner; `via`: a proxy)."""


class Door(StrEnum):
    """Where a record came in; the `endpoint` of metrics and the name of its span."""

    PIXEL = "pixel"
    LINK = "link"
    VIEWING = "viewing"
    REPLY = "reply"


class Record(NamedTuple):
    """One message for email.hits: its Kafka key, value and headers."""

    door: Door
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Segment(NamedTuple):
    """A closed part of the spool: its name, its records oldest first, its size in bytes."""

    name: str
    records: tuple[Record, ...]
    size: int


class Durability(StrEnum):
    """Where a hit is safe."""

    BROKER = "broker"
    SPOOL = "spool"
    LOST = "lost"
