"""Builds the data file of networks from files that somebody has downloaded.

Two shapes of source: a list of CIDRs for one family (text or CSV, CIDR first, `#` begins a comment), and
a table of autonomous systems (`first,last,number,"name"` in CSV), from which every family takes the
systems of its owner.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
    summarize_address_range,
)
from pathlib import Path

from services.tracker.rules.networks import FAMILIES

Network = IPv4Network | IPv6Network

TABLE = "asn"
_HOSTING_LONGEST = {4: 24, 6: 48}  # a host's smaller prefixes are many and say little

# Autonomous systems by owner. Networks whose exits mostly carry people are left out of hosting on purpose:
# Cloudflare (13335: WARP), M247 (9009) and Datacamp (212238, 60068), which rent to VPN providers.
_OWNERS: Mapping[str, tuple[int, ...]] = {
    "proofpoint": (13916, 22843, 26211, 52129),
    "mimecast": (30031, 33538, 37235, 39588, 42427, 60492, 136792, 208638, 397726),
    "barracuda": (15324,),
    "cisco-mail": (16417, 30215, 30238, 40427),
    "trendmicro": (16880, 132229),
    "symantec-mail": (7583, 21345, 26282),
    "sophos": (58976, 399342),
    "forcepoint": (7598, 13448, 42465, 43251, 44444),
    "trellix": (17330, 46484, 203724, 205272),
    "google-cloud": (396982,),
    "yahoo": (
        5779, 7233, 7280, 10310, 10880, 14196, 14776, 14777, 14778, 14779, 14780, 16515, 26101, 34010,
        36088, 36229, 36646, 36647, 36752, 39995, 43428, 203070, 203219, 203220, 393245,
    ),
    "proton": (62371,),
    "apple": (714, 6185),
    "microsoft": (
        3598, 5761, 6584, 8068, 8069, 8070, 8071, 8075, 12076, 30520, 35106, 45139, 46182, 63314, 200517,
    ),
    "hosting": (
        801, 7224, 8987, 14618, 16509, 38895, 214101,  # Amazon
        16276, 35540,  # OVH
        24940, 212317, 213230,  # Hetzner
        14061, 62567, 393406, 394362,  # DigitalOcean
        48337, 63949,  # Linode
        20473,  # Vultr
        12876,  # Scaleway
        31898, 54253,  # Oracle
        37963, 45102, 134963,  # Alibaba
        45090, 132203, 133478,  # Tencent
        55990, 136907,  # Huawei
        36351,  # IBM
        15395, 19994, 24867, 27357, 33070,  # Rackspace
        7203, 19148, 27411, 28753, 30633, 59253, 60781,  # Leaseweb
        133752, 134351, 205544, 395954, 396190, 396362,
        8560,  # IONOS
        40021, 51167, 141995,  # Contabo
        47583,  # Hostinger
        197540, 214996,  # netcup
        25697, 202053,  # UpCloud
        36007, 64022, 204548, 210329, 215728, 396948, 396949,  # Kamatera
        26496, 398101,  # GoDaddy
        29802, 61317,  # Hivelocity
        54825,  # Equinix Metal
        8100, 36352, 40676,  # QuadraNet, ColoCrossing, Psychz
        7684, 9370, 9371,  # Sakura Internet
        4694, 131965,  # IDC Frontier, Xserver
    ),
}  # fmt: skip

# What owners' documentation names, whoever announces it today (a cloud does, for some).
_DOCUMENTED: Mapping[str, tuple[str, ...]] = {
    "apple": ("17.0.0.0/8",),
    "barracuda": ("64.235.144.0/20", "209.222.80.0/21"),
}


@dataclass(frozen=True)
class Provenance:
    """Where a family's ranges are from. `date`: YYYY-MM-DD, of the source, not of the refresh."""

    origin: str
    date: str
    licence: str
    doubt: str = ""


def read_list(path: Path) -> list[Network]:
    """The CIDRs of a text or CSV file. ValueError names the line that is none."""
    networks: list[Network] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#")[0].split(",")[0].strip()
        if not text:
            continue
        try:
            networks.append(ip_network(text))
        except ValueError as wrong:
            raise ValueError(f"{path.name}, line {number}: {wrong}") from None
    return networks


def read_table(path: Path) -> dict[str, list[Network]]:
    """The networks of every known owner in a table of autonomous systems. ValueError names a bad line."""
    family_of = {number: name for name, numbers in _OWNERS.items() for number in numbers}
    found: defaultdict[str, list[Network]] = defaultdict(list)
    with path.open(newline="") as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            try:
                first, last, system = row[:3]
                if family := family_of.get(int(system)):
                    found[family] += _between(first, last)
            except (ValueError, TypeError) as wrong:
                raise ValueError(f"{path.name}, line {number}: {wrong}") from None
    for family in _DOCUMENTED.keys() & found.keys():
        found[family] += map(ip_network, _DOCUMENTED[family])
    return dict(found)


def _between(first: str, last: str) -> Iterator[Network]:
    return summarize_address_range(ip_address(first), ip_address(last))


def merged(family: str, networks: Iterable[Network]) -> list[str]:
    """Sorted CIDR texts that cover the networks, IPv4 first; a host's small ones are left out."""
    fours = [network for network in networks if isinstance(network, IPv4Network)]
    sixes = [network for network in networks if isinstance(network, IPv6Network)]
    whole: list[Network] = [*collapse_addresses(fours), *collapse_addresses(sixes)]
    return [
        str(network)
        for network in whole
        if family != "hosting" or network.prefixlen <= _HOSTING_LONGEST[network.version]
    ]


def gather(sources: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    """Ranges by family, of sources as (family or TABLE, path). ValueError: an unknown family, a bad line."""
    found: defaultdict[str, list[Network]] = defaultdict(list)
    for name, path in sources:
        if name == TABLE:
            for family, networks in read_table(path).items():
                found[family] += networks
        elif name in FAMILIES:
            found[name] += read_list(path)
        else:
            raise ValueError(f"{name} is no family; known: {TABLE}, {', '.join(FAMILIES)}")
    return {name: merged(name, networks) for name, networks in found.items()}
