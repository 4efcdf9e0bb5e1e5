"""A hit as the bytes of its HitRecorded event, written without the model for speed.

`tests/unit/ingest/test_rules_hit.py` holds that the model reads the very same event from them.
"""

from collections.abc import Mapping
from time import gmtime, strftime

import orjson
from uuid_utils import uuid7

from services.ingest.model import EVIDENCE_HEADERS, Door, Record
from shared.events.hits import MAX_HEADER, MAX_USER_AGENT

_ALL_SLOTS = b"\xff\xff"
_EVIDENCE = tuple((name.encode(), name) for name in EVIDENCE_HEADERS)
_NANOSECONDS = 1_000_000_000


class Moments:
    """Times as RFC 3339 text with microseconds, UTC. The part down to the second is kept for its second."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, now_ns: int) -> str:
        """`now_ns`: nanoseconds since the epoch."""
        second, rest = divmod(now_ns, _NANOSECONDS)
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._prefix}.{rest // 1000:06d}Z"


def hit_record(
    door: Door,
    content: bytes,
    occurred_at: str,
    method: str,
    client_address: str | None,
    headers: Mapping[bytes, bytes],
    trace: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """The Kafka record of one hit.

    `content`: of the opened token (shared.tokens.tracking); `headers`: of the request, lower-case.
    """
    digits = content[:32].hex()
    account_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
    message_id = f"{digits[32:40]}-{digits[40:44]}-{digits[44:48]}-{digits[48:52]}-{digits[52:]}"
    evidence = orjson.dumps(
        {
            "client_address": client_address,
            "user_agent": header_text(headers.get(b"user-agent", b""), MAX_USER_AGENT),
            "headers": {
                text: header_text(headers[name], MAX_HEADER) for name, text in _EVIDENCE if name in headers
            },
        }
    )
    value = (
        f'{{"event_id":"{uuid7()}","occurred_at":"{occurred_at}","account_id":"{account_id}",'
        f'"schema_version":1,"type":"hit_recorded","message_id":"{message_id}","endpoint":"{door}",'
        f'"method":"{method}","slot":{_slot(content)},"link_index":{_link_index(door, content)},'
    ).encode() + evidence[1:]
    return Record(door, message_id.encode(), value, trace)


def _slot(content: bytes) -> int | str:
    slot = content[32:34]
    return "null" if slot == _ALL_SLOTS else int.from_bytes(slot)


def _link_index(door: Door, content: bytes) -> int | str:
    return int.from_bytes(content[34:36]) if door is Door.LINK else "null"


def header_text(value: bytes, limit: int) -> str:
    """A header's value as text of at most `limit` characters; what is no UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", "replace")[:limit]
