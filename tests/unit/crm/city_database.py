"""Writes small databases in MaxMind's format, so that tests need no 130 MB."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

_MARKER = b"\xab\xcd\xefMaxMind.com"
_EMPTY = -1
_UNSIGNED = {16: 5, 32: 6, 64: 9}  # types by bits
_SIZES = {"node_count": 32, "build_epoch": 64}


def write(
    path: Path, version: int, places: Mapping[str, Mapping[str, str]], made: int = 1_790_000_000
) -> Path:
    """A file with these records by CIDR. `made`: seconds since 1970."""
    nodes: list[list[int]] = [[_EMPTY, _EMPTY]]
    data = b""
    leaves: dict[tuple[int, int], int] = {}
    for text, record in places.items():
        network = ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        at = 0
        for bit in map(int, bits[:-1]):
            if nodes[at][bit] == _EMPTY:
                nodes.append([_EMPTY, _EMPTY])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        leaves[at, int(bits[-1])] = len(data)
        data += _encoded(dict(record))
    tree = b"".join(
        _record(leaves[at, side] + len(nodes) + 16 if (at, side) in leaves else child, len(nodes))
        for at, node in enumerate(nodes)
        for side, child in enumerate(node)
    )
    about = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": made,
        "database_type": "city",
        "description": {"en": "made by a test"},
        "ip_version": version,
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": 24,
    }
    path.write_bytes(tree + bytes(16) + data + _MARKER + _encoded(about))
    return path


def _record(value: int, count: int) -> bytes:
    return (count if value == _EMPTY else value).to_bytes(3)


def _encoded(value: object, size: int = 16) -> bytes:
    if isinstance(value, dict):
        inner = b"".join(_encoded(key) + _encoded(one, _SIZES.get(key, 16)) for key, one in value.items())
        return _control(7, len(value)) + inner
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, int):
        packed = value.to_bytes((value.bit_length() + 7) // 8)
        return _control(_UNSIGNED[size], len(packed)) + packed
    text = str(value).encode()
    return _control(2, len(text)) + text


def _control(kind: int, size: int) -> bytes:
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
