"""Whose network a fetch comes from: a scanner's, the mail service's, a data centre's.

Addresses are the weaker signal: lists age, and people work through other people's networks.
"""

from services.tracker.model import Finding
from services.tracker.rules.agents import is_apple_program, is_browser, is_mail_program
from services.tracker.rules.headers import is_whole_visit
from services.tracker.rules.networks import HOSTING, SCANNERS, network_of
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

_MICROSOFT = ("microsoft", "microsoft-mail")

SCANNER = Rule(
    "senders.scanner",
    Verdict.MACHINE,
    0.9,
    "The address lies in the network of a vendor of mail security (data/networks.json)",
    "The vendor's own staff read mail from there too.",
)
SAFE_LINKS = Rule(
    "senders.microsoft-link",
    Verdict.MACHINE,
    0.85,
    "Outlook's Safe Links checks a link from Microsoft's network, then sends the real browser to it",
    "A person at a desktop that runs in Azure follows links from the same network.",
)
OUTLOOK = Rule(
    "senders.microsoft-picture",
    Verdict.PROXIED_HUMAN,
    0.6,
    "Outlook.com and Outlook on the web fetch pictures through Microsoft's proxy",
    "Microsoft's scanner loads pictures from the same network.",
)
PROXY_FOLLOWS_LINK = Rule(
    "senders.image-proxy-link",
    Verdict.MACHINE,
    0.7,
    "An image proxy fetches pictures; a person's browser follows links itself",
    "Anybody can send the proxy's name.",
)
GOOGLE_LINK = Rule(
    "senders.google-link",
    Verdict.MACHINE,
    0.75,
    "Google's services look at links (safe browsing, previews); people do not browse from there",
    "Google's own staff, and its privacy proxy for Chrome, do.",
)
GOOGLE_PICTURE = Rule(
    "senders.google-picture",
    Verdict.MACHINE,
    0.6,
    "Gmail's image proxy names itself; what else Google's service network fetches, it checks",
    "Google's own staff read mail from there.",
)
YAHOO = Rule(
    "senders.yahoo-picture",
    Verdict.PROXIED_HUMAN,
    0.6,
    "Yahoo fetches pictures through its own network when a mail is viewed",
    "Its proxy mostly names itself; what does not may be a check.",
)
DATA_CENTRE = Rule(
    "senders.data-centre",
    None,
    0.0,
    "Scanners run in data centres (data/networks.json); people only behind a VPN or a remote desktop",
    "More and more offices send all their traffic through a cloud.",
)
RULES = (
    SCANNER,
    SAFE_LINKS,
    OUTLOOK,
    PROXY_FOLLOWS_LINK,
    GOOGLE_LINK,
    GOOGLE_PICTURE,
    YAHOO,
    DATA_CENTRE,
)
_SAFE_LINKS, _OUTLOOK, _PROXY_FOLLOWS_LINK, _GOOGLE_LINK, _GOOGLE_PICTURE, _YAHOO = (
    rule.finding() for rule in (SAFE_LINKS, OUTLOOK, PROXY_FOLLOWS_LINK, GOOGLE_LINK, GOOGLE_PICTURE, YAHOO)
)


def find(hit: HitRecorded) -> Finding | None:
    """A finding where the network decides; else None."""
    is_link = hit.endpoint is Endpoint.LINK
    if is_link and ("GoogleImageProxy" in hit.user_agent or "YahooMailProxy" in hit.user_agent):
        return _PROXY_FOLLOWS_LINK
    network = None if hit.client_address is None else network_of(hit.client_address)
    if _is_persons(hit):
        return _SAFE_LINKS if is_link and network == "microsoft-mail" else None
    if network in SCANNERS:
        return SCANNER.finding(vendor=str(network))
    if is_link:
        return _SAFE_LINKS if network in _MICROSOFT else _GOOGLE_LINK if network == "google" else None
    return _picture(hit, network)


def _is_persons(hit: HitRecorded) -> bool:
    """People work through such networks too: web gateways of the same vendors, desktops in a cloud."""
    return is_mail_program(hit.user_agent) or is_whole_visit(hit)


def _picture(hit: HitRecorded, network: str | None) -> Finding | None:
    """The proxy passes the reader's browser on; a mail program that runs in Azure is a person's own."""
    if not is_browser(hit.user_agent) and not is_apple_program(hit.user_agent):
        return None
    if network in _MICROSOFT:
        return _OUTLOOK
    return {"google": _GOOGLE_PICTURE, "yahoo": _YAHOO}.get(network or "")


def doubts(hit: HitRecorded) -> tuple[Rule, ...]:
    """A data centre or a network that checks mail: no proof, but a reason to wait."""
    network = None if hit.client_address is None else network_of(hit.client_address)
    checks = hit.endpoint is Endpoint.LINK and (network in SCANNERS or network in _MICROSOFT)
    return (DATA_CENTRE,) if network in HOSTING or checks else ()
