"""Whether an address is Google's, by a data file with origin and date."""

import json
from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address, ip_network

_DATA = json.loads(files("services.tracker.rules").joinpath("data/google_ranges.json").read_text())
RANGES_VERSION: str = _DATA["version"]
_NETWORKS = [ip_network(text) for text in _DATA["ranges"]]


@lru_cache(maxsize=4096)
def is_google(address: str) -> bool:
    """True for an address in a listed range. Text that is no address is nobody's."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in _NETWORKS)
