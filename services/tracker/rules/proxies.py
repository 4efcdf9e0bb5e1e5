"""Image proxies that fetch when a person looks: a real view without the person's place or device.

Pixels only: an image proxy follows no links, so its name on a click is no evidence of a view.
"""

from services.tracker.model import Finding
from services.tracker.rules.google import is_google
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
RULES = (GOOGLE, GOOGLE_ADDRESS_UNKNOWN, GOOGLE_ELSEWHERE, YAHOO)
_GOOGLE, _UNKNOWN, _ELSEWHERE, _YAHOO = (rule.finding() for rule in RULES)


def find(hit: HitRecorded) -> Finding | None:
    """A finding when the agent names Google's or Yahoo's image proxy, else None."""
    if hit.endpoint is not Endpoint.PIXEL:
        return None
    if _GOOGLE_AGENT in hit.user_agent:
        if hit.client_address is None:
            return _UNKNOWN
        return _GOOGLE if is_google(hit.client_address) else _ELSEWHERE
    return _YAHOO if _YAHOO_AGENT in hit.user_agent else None
