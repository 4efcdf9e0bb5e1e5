"""The client's address: from X-Forwarded-For, only through configured trusted proxies."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_FORWARDED = 2048  # bytes of X-Forwarded-For that are read; the right end is the believable one
_REMEMBERED = 4096


def parse_address(text: str) -> Address | None:
    """An address as proxies write it: with a port, in brackets, IPv4 inside IPv6. None if it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


class ClientAddresses:
    """Tells the client's address, in canonical text, or None where nothing may be believed.

    No trusted proxies: None, unless `direct` says that no proxy stands in front. With them: a peer
    that is one of them is believed, and the list walked from the right to the first address that is
    not; garbage on the way, or a list of proxies alone, gives None.
    """

    def __init__(self, trusted: Iterable[Network] = (), *, direct: bool = False) -> None:
        self._trusted = tuple(trusted)
        self._direct = direct
        self._walk = lru_cache(_REMEMBERED)(self._walk_from_the_right)

    def of_peer(self, peer: str | None) -> "PeerAddresses":
        """The same question for one connection."""
        address = parse_address(peer or "")
        if address is not None and self._is_trusted(address):
            return PeerAddresses(None, self._walk)
        return PeerAddresses(str(address) if self._direct and address is not None else None, None)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _walk_from_the_right(self, forwarded: bytes) -> str | None:
        for part in reversed(forwarded[-MAX_FORWARDED:].decode("latin-1").split(",")):
            address = parse_address(part)
            if address is None:
                return None
            if not self._is_trusted(address):
                return str(address)
        return None


class PeerAddresses:
    """What one connection's requests say about their clients."""

    __slots__ = ("_fixed", "_walk")

    def __init__(self, fixed: str | None, walk: Callable[[bytes], str | None] | None) -> None:
        self._fixed = fixed
        self._walk = walk

    def of(self, forwarded: bytes | None) -> str | None:
        """The client's address; `forwarded`: all X-Forwarded-For lines, joined by commas."""
        if self._walk is None or forwarded is None:
            return self._fixed
        return self._walk(forwarded)
