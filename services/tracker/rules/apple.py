"""Apple's mail and its privacy proxies, by agent and network together."""

from services.tracker.model import Finding
from services.tracker.rules import privacy
from services.tracker.rules.agents import is_apple_program
from services.tracker.rules.networks import HOSTING, Ranges, network_of, number_of
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

_BARE = "Mozilla/5.0"
_EGRESS = "apple-privacy"
_SOURCE = "Mail Privacy Protection fetches every picture, read or not, through Apple's relays (Apple, 2021)"

EGRESS = Rule(
    "privacy.apple",
    Verdict.PRIVACY_PROXY,
    0.95,
    f"{_SOURCE}; agent and network agree (data/networks.json)",
    "A person who reads in Apple's Mail is behind the same fetch: it only does not show.",
)
WEBKIT_ADDRESS_UNKNOWN = Rule(
    "privacy.apple-address-unknown",
    Verdict.PRIVACY_PROXY,
    0.5,
    f"{_SOURCE}; most of its users have it on, and without an address neither case is shown",
    "A person without Mail Privacy Protection sends the same agent.",
)
BARE_FROM_DATA_CENTRE = Rule(
    "privacy.not-apple",
    Verdict.MACHINE,
    0.6,
    "Apple's relays leave by networks that are known; the bare agent from a data centre is a script's",
    "The list of Apple's networks may be stale.",
)
DATA_CENTRE = Rule(
    "privacy.apple-data-centre",
    Verdict.PRIVACY_PROXY,
    0.5,
    f"{_SOURCE}, which move; people who read in Apple's Mail do not sit in data centres",
    "A person behind a VPN reads there without Mail Privacy Protection.",
)
RULES = (EGRESS, WEBKIT_ADDRESS_UNKNOWN, BARE_FROM_DATA_CENTRE, DATA_CENTRE)
_APPLE, _UNKNOWN, _SCRIPT, _DATA_CENTRE = (rule.finding() for rule in RULES)
_AKAMAI = Ranges(["172.224.0.0/12"])  # its relays, which Apple uses, lie beside the cloud that it bought


def find(hit: HitRecorded) -> Finding | None:
    """A finding for a picture that Apple's relays may have fetched unread, else None."""
    if hit.endpoint is not Endpoint.PIXEL:
        return None
    is_bare = hit.user_agent == _BARE
    if not is_bare and not is_apple_program(hit.user_agent):
        return None
    if hit.client_address is None:
        return privacy.find(hit) if is_bare else _UNKNOWN
    network = network_of(hit.client_address)
    if network == _EGRESS:
        return _APPLE
    if not is_bare:
        return _DATA_CENTRE if network in HOSTING else None
    is_script = network in HOSTING and number_of(hit.client_address) not in _AKAMAI
    return _SCRIPT if is_script else privacy.find(hit)
