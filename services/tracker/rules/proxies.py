"""Image proxies that fetch when a person looks: a real view without the person's place or device.

Pixels only: an image proxy follows no links, so its name on a click is no evidence of a view.
"""

import re

from services.tracker.model import Finding
from services.tracker.rules.google import is_google
from services.tracker.rules.networks import network_of
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

_GOOGLE_AGENT = "GoogleImageProxy"
_YAHOO_AGENT = "YahooMailProxy"
_GOOGLE_SOURCE = "Observed agents '... (via ggpht.com GoogleImageProxy)' from Google addresses, on view"

GOOGLE = Rule(
    "proxies.google",
    Verdict.PROXIED_HUMAN,
    0.9,
    _GOOGLE_SOURCE,
    "The rep's own phone comes through the same proxy; a generic bot list flags this agent wrongly.",
)
GOOGLE_ADDRESS_UNKNOWN = Rule(
    "proxies.google-address-unknown",
    Verdict.PROXIED_HUMAN,
    0.8,
    _GOOGLE_SOURCE,
    "The agent alone; anybody can send it.",
)
GOOGLE_ELSEWHERE = Rule(
    "proxies.google-elsewhere",
    Verdict.PROXIED_HUMAN,
    0.5,
    _GOOGLE_SOURCE,
    "The agent from an address outside the listed ranges: the list may be stale, or the agent copied.",
)
YAHOO = Rule(
    "proxies.yahoo",
    Verdict.PROXIED_HUMAN,
    0.85,
    "https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html, named in the agent itself",
    "The agent alone; Yahoo publishes no address ranges that are checked here.",
)
OTHER = Rule(
    "proxies.other",
    Verdict.PROXIED_HUMAN,
    0.7,
    "Image proxies of other mail services name themselves (Fastmail, Seznam, Camo by agent or Via)",
    "A forum or a chat runs Camo too, over a mail that somebody pasted.",
)
PROTON = Rule(
    "proxies.proton",
    Verdict.PROXIED_HUMAN,
    0.6,
    "Proton Mail loads pictures through its own network when a mail is viewed",
    "Proton's VPN leaves by other networks, but not for all time.",
)
RULES = (GOOGLE, GOOGLE_ADDRESS_UNKNOWN, GOOGLE_ELSEWHERE, YAHOO, OTHER, PROTON)
_GOOGLE, _UNKNOWN, _ELSEWHERE, _YAHOO, _OTHER, _PROTON = (rule.finding() for rule in RULES)
_OTHERS = (
    "fastmail",
    "camo asset proxy",
    "github-camo",
    "go-camo",
    "atmos-camo",
    "hey.com image",
    "zohomail",
)


_A_MAIL_PROXY = re.compile(r"(?:image|mail)[ _-]?proxy")


def find(hit: HitRecorded) -> Finding | None:
    """A finding when the agent names Google's or Yahoo's image proxy, else None."""
    if hit.endpoint is not Endpoint.PIXEL:
        return None
    if _GOOGLE_AGENT in hit.user_agent:
        if hit.client_address is None:
            return _UNKNOWN
        return _GOOGLE if is_google(hit.client_address) else _ELSEWHERE
    return _YAHOO if _YAHOO_AGENT in hit.user_agent else None


def names_a_proxy(agent: str) -> bool:
    """Whether an agent names an image proxy of any mail service."""
    known = agent.lower()
    names = (_GOOGLE_AGENT.lower(), _YAHOO_AGENT.lower(), "ggpht.com", *_OTHERS)
    return any(name in known for name in names) or _A_MAIL_PROXY.search(known) is not None


def find_others(hit: HitRecorded) -> Finding | None:
    """The same for the image proxies of other mail services."""
    if hit.endpoint is not Endpoint.PIXEL:
        return None
    names = f"{hit.user_agent} {hit.headers.get('via', '')}".lower()
    if any(name in names for name in _OTHERS) or _A_MAIL_PROXY.search(names):
        return _OTHER
    is_proton = hit.client_address is not None and network_of(hit.client_address) == "proton"
    return _PROTON if is_proton else None
