"""Where webhooks may go: https, and no address that only this server's own network reaches. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

LONGEST = 2000
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# What Python's tables call global or leave out, and no receiver of ours may stand at.
_CLOSED = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # a cloud's own services, at a public address
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "fec0::/10",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


class NotATarget(ValueError):
    """No webhook may go there."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an operator allows beyond the public net: private networks, and http to this machine itself."""

    networks: tuple[Network, ...] = ()
    http_to_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to, and what to ask for there."""

    secure: bool
    host: str
    port: int
    authority: str
    path: str


def canonical(typed: str, reach: Reach) -> str:
    """The address of an endpoint, its host in ASCII. Raises NotATarget."""
    parts = _parts(typed)
    host = _ascii(parts.hostname or "")
    if parts.scheme == "http" and not (reach.http_to_loopback and _may_be_loopback(host)):
        raise NotATarget("https alone")
    literal = _literal(host)
    if literal is not None:
        permitted([literal], reach, secure=parts.scheme == "https")
    shown = f"[{host}]" if ":" in host else host
    authority = shown if parts.port is None else f"{shown}:{parts.port}"
    return urlunsplit((parts.scheme, authority, parts.path or "/", parts.query, ""))


def _parts(typed: str) -> SplitResult:
    if len(typed) > LONGEST or not typed.isascii() or any(not 32 < ord(one) < 127 for one in typed):
        typed = _with_ascii_host(typed)
    try:
        parts = urlsplit(typed)
        _ = parts.port
    except ValueError:
        raise NotATarget("no address of a page") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.port == 0:
        raise NotATarget("no address of a page")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotATarget("with a name, password or fragment")
    return parts


def _with_ascii_host(typed: str) -> str:
    """Only a host may have other letters."""
    if len(typed) > LONGEST or any(ord(one) < 33 or ord(one) == 127 for one in typed):
        raise NotATarget("no address of a page")
    try:
        parts = urlsplit(typed)
    except ValueError:
        raise NotATarget("no address of a page") from None
    rest = parts.path + parts.query + parts.fragment
    if not rest.isascii():
        raise NotATarget("letters that must be escaped")
    return typed


def _ascii(host: str) -> str:
    if _literal(host) is not None:
        return host
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise NotATarget("no host") from None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _may_be_loopback(host: str) -> bool:
    literal = _literal(host)
    return literal.is_loopback if literal is not None else host == "localhost"


def target(url: str) -> Target:
    """Of an address that `canonical` has made."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    assert parts.hostname is not None
    return Target(secure, parts.hostname, parts.port or (443 if secure else 80), parts.netloc, path)


def permitted(found: Iterable[Address | str], reach: Reach, *, secure: bool) -> Sequence[Address]:
    """The addresses of a host, if a webhook may go to each of them: one that may not be is an attempt to
    get in, or a name that means something else inside. Raises NotATarget."""
    addresses = [_plain(ip_address(one) if isinstance(one, str) else one) for one in found]
    if not addresses or not all(_is_permitted(one, reach, secure=secure) for one in addresses):
        raise NotATarget("an address of this server's own network")
    return addresses


def _plain(address: Address) -> Address:
    """IPv4 that is written as IPv6 is IPv4."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv6Address(int(address))  # without a zone


def _is_permitted(address: Address, reach: Reach, *, secure: bool) -> bool:
    if not secure:
        return reach.http_to_loopback and address.is_loopback
    if any(address in network for network in reach.networks if network.version == address.version):
        return True
    inner = _carried(address)
    if inner is not None and not _is_public(inner):
        return False
    return _is_public(address)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that a translator on the way makes of it."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or int(address) >> 32 == 0:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def _is_public(address: Address) -> bool:
    closed = any(address in network for network in _CLOSED if network.version == address.version)
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    is_nat64 = isinstance(address, IPv6Address) and address in _NAT64
    return not closed and (is_nat64 or (address.is_global and not special and not address.is_link_local))
