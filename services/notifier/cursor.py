"""Cursors: how far a client has seen, sealed, so that it can neither read nor forge one.

A cursor names the cluster (offsets of another mean nothing), the partition (all events of a user
stand in one) and the next offset that the client has not seen.
"""

import hashlib
import struct
from typing import NamedTuple

from shared.tokens.keyring import KeyRing
from shared.tokens.sealing import BadToken, seal, unseal

_PURPOSE = b"kaifu cursor"
_LAYOUT = struct.Struct(">8sHQ")  # epoch, partition, next offset


class Cursor(NamedTuple):
    """Everything below `next_offset` of `partition` has been seen."""

    epoch: bytes
    partition: int
    next_offset: int


def epoch_of(cluster_id: str) -> bytes:
    """The cluster's id in the eight bytes that a cursor has room for."""
    return hashlib.sha256(cluster_id.encode()).digest()[:8]


def seal_cursor(ring: KeyRing, cursor: Cursor) -> str:
    """The cursor as a client holds it."""
    return seal(ring, _PURPOSE, _LAYOUT.pack(*cursor))


def open_cursor(ring: KeyRing, token: str) -> Cursor | None:
    """What a client's cursor says; None if it isn't one of ours."""
    try:
        return Cursor(*_LAYOUT.unpack(unseal(ring, _PURPOSE, token)))
    except (BadToken, struct.error):
        return None
