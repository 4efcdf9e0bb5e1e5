"""A hit as the bytes of its HitRecorded event, written without the model for speed.

`tests/unit/ingest/test_rules_hit.py` holds that the model reads the very same event from them.
"""

from collections.abc import Mapping
from time import gmtime, strftime
from typing import NamedTuple

import orjson
from uuid_utils import UUID, uuid7

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


class OpenedToken(NamedTuple):
    """A token's content, ready to be written into hits: `before` and `after` stand around the method."""

    account: bytes
    message: bytes
    destination: bytes
    key: bytes
    before: str
    after: str


def opened_token(door: Door, content: bytes) -> OpenedToken:
    """`content`: as shared.tokens.tracking unseals it."""
    account, message, slot = content[:16], content[16:32], content[32:34]
    message_id = str(UUID(bytes=message))
    link_index: int | str = int.from_bytes(content[34:36]) if door is Door.LINK else "null"
    return OpenedToken(
        account,
        message,
        content[36:],
        message_id.encode(),
        f'"account_id":"{UUID(bytes=account)}","schema_version":1,"type":"hit_recorded",'
        f'"message_id":"{message_id}","endpoint":"{door}","method":"',
        f'","slot":{"null" if slot == _ALL_SLOTS else int.from_bytes(slot)},"link_index":{link_index},',
    )


def hit_record(
    door: Door,
    token: OpenedToken,
    occurred_at: str,
    method: str,
    client_address: str | None,
    headers: Mapping[bytes, bytes],
    trace: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """The Kafka record of one hit. `headers`: of the request, names in lower case."""
    evidence = orjson.dumps(
        {
            "client_address": client_address,
            "user_agent": headers.get(b"user-agent", b"").decode("utf-8", "replace")[:MAX_USER_AGENT],
            "headers": {
                text: header_text(headers[name], MAX_HEADER) for name, text in _EVIDENCE if name in headers
            },
        }
    )
    value = (
        f'{{"event_id":"{uuid7()}","occurred_at":"{occurred_at}",{token.before}{method}{token.after}'
    ).encode() + evidence[1:]
    return Record(door, token.key, value, trace)


def header_text(value: bytes, limit: int) -> str:
    """A header's value as text of at most `limit` characters; what is no UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", "replace")[:limit]
