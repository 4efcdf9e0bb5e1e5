"""A hit as the bytes of its HitRecorded event, written without the model for speed.

`tests/unit/ingest/test_rules_hit.py` holds that the model reads the very same event from them.
"""

from collections.abc import Mapping
from functools import lru_cache
from time import gmtime, strftime
from typing import NamedTuple

import orjson
from uuid_utils import UUID, uuid7

from services.ingest.model import EVIDENCE_HEADERS, Door, Record
from shared.events.hits import MAX_HEADER, MAX_USER_AGENT

_ALL_SLOTS = b"\xff\xff"
_EVIDENCE = {name.encode(): name for name in EVIDENCE_HEADERS}
_NANOSECONDS = 1_000_000_000
_ENDPOINTS = {door: f'","endpoint":"{door}","method":"'.encode() for door in Door}
_REMEMBERED = 4096
_new = tuple.__new__  # what a NamedTuple's own constructor calls: that one is a Python function


class Moments:
    """Times as RFC 3339 text with microseconds, UTC. The part down to the second is kept for its second."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, now_ns: int) -> bytes:
        """`now_ns`: nanoseconds since the epoch."""
        second, rest = divmod(now_ns, _NANOSECONDS)
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._prefix}.{rest // 1000:06d}Z".encode()


class OpenedToken(NamedTuple):
    """A token's content, ready to be written into hits.

    `account` and `message` are ids in text form. `head`, `endpoint` and `place` are the parts of the event
    around them; each is one object for all tokens that have it alike, since thousands of tokens are kept.
    """

    account: bytes
    message: bytes
    destination: bytes
    head: bytes
    endpoint: bytes
    place: bytes


def opened_token(door: Door, content: bytes) -> OpenedToken:
    """`content`: as shared.tokens.tracking unseals it."""
    account, head = _of_account(content[:16])
    message = str(UUID(bytes=content[16:32])).encode()
    destination, link_index = (content[36:], content[34:36]) if door is Door.LINK else (b"", b"")
    parts = (account, message, destination, head, _ENDPOINTS[door], _place(content[32:34], link_index))
    return _new(OpenedToken, parts)


@lru_cache(_REMEMBERED)
def _of_account(account: bytes) -> tuple[bytes, bytes]:
    text = str(UUID(bytes=account))
    head = f'","account_id":"{text}","schema_version":1,"type":"hit_recorded","message_id":"'
    return text.encode(), head.encode()


@lru_cache(_REMEMBERED)
def _place(slot: bytes, link_index: bytes) -> bytes:
    of_slot = "null" if slot == _ALL_SLOTS else int.from_bytes(slot)
    of_link = int.from_bytes(link_index) if link_index else "null"
    return f'","slot":{of_slot},"link_index":{of_link},'.encode()


def hit_record(
    door: Door,
    token: OpenedToken,
    occurred_at: bytes,
    method: bytes,
    client_address: str | None,
    headers: Mapping[bytes, bytes],
    trace: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """The Kafka record of one hit. `headers`: of the request, names in lower case."""
    _, message, _, head, endpoint, place = token
    evidence = orjson.dumps(
        {
            "client_address": client_address,
            "user_agent": header_text(headers.get(b"user-agent", b""), MAX_USER_AGENT),
            "headers": {
                _EVIDENCE[name]: header_text(value, MAX_HEADER)
                for name, value in headers.items()
                if name in _EVIDENCE
            },
        }
    )
    event_id = str(uuid7()).encode()
    value = (
        b'{"event_id":"',
        event_id,
        b'","occurred_at":"',
        occurred_at,
        head,
        message,
        endpoint,
        method,
        place,
    )
    return _new(Record, (door, message, b"".join(value) + evidence[1:], trace))


def header_text(value: bytes, limit: int) -> str:
    """A header's value as text of at most `limit` characters; what is no UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", "replace")[:limit]
