"""Whose network an address belongs to, by a data file with origin, date and licence per family.

An address can be in several families: a relay's exits lie in a cloud's ranges, a scanner's in its
host's. FAMILIES orders them, most telling first, and the first one that lists the address is answered.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, inet_pton

FAMILIES = (
    "apple-privacy",  # iCloud Private Relay and Mail Privacy Protection: a person's own request, or Apple's
    "microsoft-mail",  # Exchange Online's published ranges; also inside microsoft
    "proofpoint",
    "mimecast",
    "barracuda",
    "cisco-mail",
    "trendmicro",
    "symantec-mail",
    "sophos",
    "forcepoint",
    "trellix",
    "google",
    "google-cloud",
    "yahoo",
    "proton",  # its mail, and a part of its VPN
    "apple",
    "microsoft",
    "hosting",
)
SCANNERS = frozenset(
    {
        "proofpoint",
        "mimecast",
        "barracuda",
        "cisco-mail",
        "trendmicro",
        "symantec-mail",
        "sophos",
        "forcepoint",
        "trellix",  # FireEye's e-mail products are sold under this name
    }
)

HOSTING = frozenset({"hosting", "google-cloud"})
APPLE_PRIVACY = "apple-privacy"
_CHECKS_MAIL = SCANNERS | {"microsoft", "microsoft-mail"}
_V4_IN_V6 = 0xFFFF << 32  # an IPv4 address stands where its mapped IPv6 form is


class Ranges:
    """Addresses as sorted, disjoint spans of integers. `texts`: CIDRs in any order, overlaps allowed."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(map(_span, texts)):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, number: int | None) -> bool:
        """Whether an address' number (see `number_of`) lies in a span; None lies in none."""
        if number is None:
            return False
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]


def number_of(address: str) -> int | None:
    """An address as the integer of its IPv6 form, IPv4 mapped; None for text that is no address."""
    try:
        return _number(ip_address(address).packed)
    except ValueError:
        return None


def _number(packed: bytes) -> int:
    number = int.from_bytes(packed)
    return number + _V4_IN_V6 if len(packed) == 4 else number


def _span(text: str) -> tuple[int, int]:
    """First and last number of a CIDR; a tenth of what `ipaddress` takes, for tens of thousands."""
    head, _, length = text.partition("/")
    packed = inet_pton(AF_INET6 if ":" in head else AF_INET, head)
    first = _number(packed)
    return first, first + (1 << len(packed) * 8 - int(length)) - 1


def _loaded() -> tuple[str, tuple[tuple[str, Ranges], ...]]:
    folder = files("services.tracker.rules").joinpath("data")
    data = json.loads(folder.joinpath("networks.json").read_text())
    google = json.loads(folder.joinpath("google_ranges.json").read_text())
    listed = {name: family["ranges"] for name, family in data["families"].items()}
    listed["google"] = [*listed.get("google", ()), *google["ranges"]]
    return data["version"], tuple((name, Ranges(listed[name])) for name in FAMILIES if name in listed)


NETWORKS_VERSION, _LISTED = _loaded()


@lru_cache(maxsize=16384)
def network_of(address: str) -> str | None:
    """The most telling family of an address (one of FAMILIES); None: nobody listed, or no address.

    None is weak evidence of a person: owners add networks without notice.
    """
    number = number_of(address)
    if number is None:
        return None
    return next((name for name, ranges in _LISTED if number in ranges), None)


@lru_cache(maxsize=16384)
def client_of(address: str) -> str:
    """What stands for a client: an IPv4 address, the /64 of an IPv6 one, Apple's relays together.

    Within a /64 a machine changes its address day by day (RFC 8981), and behind a relay at each request.
    Services that check mail fetch from several machines of one /24.
    """
    network = network_of(address)
    if network == APPLE_PRIVACY:
        return APPLE_PRIVACY
    number = number_of(address)
    if number is None:
        return address
    if number >> 32 != _V4_IN_V6 >> 32:
        return f"{number >> 64:x}/64"
    return f"{number >> 8:x}/24" if network in _CHECKS_MAIL else f"{number:x}"


@lru_cache(maxsize=16384)
def is_ipv6(address: str) -> bool:
    """Whether it is an IPv6 address that stands for no IPv4 one."""
    number = number_of(address)
    return number is not None and number >> 32 != _V4_IN_V6 >> 32
