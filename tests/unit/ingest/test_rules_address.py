"""Whose address a hit comes from, and when nobody may be believed."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rules_address import ClientAddresses

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.1.1.1", b"203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", b"198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the left is what the client wrote
        ("10.1.1.1", b"203.0.113.9, 10.2.2.2, 10.3.3.3", "203.0.113.9"),
        ("10.1.1.1", b"10.9.9.9, 10.2.2.2", None),  # proxies alone say nothing of a reader
        ("10.1.1.1", b"203.0.113.9, unknown", None),
        ("10.1.1.1", b"203.0.113.9, ", None),
        ("10.1.1.1", b"", None),
        ("10.1.1.1", None, None),
        ("10.1.1.1", b"203.0.113.9:51234", "203.0.113.9"),
        ("10.1.1.1", b"[2001:DB8::0:1]:443", "2001:db8::1"),
        ("10.1.1.1", b"2001:db8::1", "2001:db8::1"),
        ("10.1.1.1", b"::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:10.1.1.1", b"203.0.113.9", "203.0.113.9"),
        ("fd00::1", b"203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", b"fe80::1%eth0", None),
        ("10.1.1.1", b"010.0.0.1", None),
        ("203.0.113.1", b"198.51.100.1", None),  # not through a proxy of ours: nothing is believed
        ("203.0.113.1", None, None),
        (None, b"198.51.100.1", None),
    ],
)
def test_the_list_is_walked_from_the_right(
    peer: str | None, forwarded: bytes | None, expected: str | None
) -> None:
    assert ClientAddresses(PROXIES).of_peer(peer).of(forwarded) == expected


def test_without_proxies_no_address_is_known() -> None:
    assert ClientAddresses().of_peer("203.0.113.1").of(b"198.51.100.1") is None


def test_direct_clients_are_their_peers_whatever_they_claim() -> None:
    direct = ClientAddresses(direct=True)
    assert direct.of_peer("203.0.113.1").of(b"198.51.100.1") == "203.0.113.1"
    assert direct.of_peer("::ffff:203.0.113.1").of(None) == "203.0.113.1"
    assert direct.of_peer("not an address").of(None) is None


@given(st.binary(max_size=200))
def test_garbage_never_raises_and_never_names_a_proxy(forwarded: bytes) -> None:
    address = ClientAddresses(PROXIES).of_peer("10.1.1.1").of(forwarded)
    assert address is None or not address.startswith("10.")
