"""What an agent claims to be, held against where it comes from and against its other words.

Asked before the families that take the claim as said.
"""

import re

from services.tracker.model import Finding
from services.tracker.rules import agents, apple, proxies
from services.tracker.rules.google import is_google
from services.tracker.rules.networks import APPLE_PRIVACY, network_of
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

FORGED_PROXY = Rule(
    "claims.forged-proxy",
    Verdict.MACHINE,
    0.6,
    "Google's image proxy leaves by Google's own network, not out of somebody else's data centre",
    "Google's list of addresses may be stale (data/google_ranges.json, data/networks.json).",
)
RULES = (FORGED_PROXY,)
_FORGED = FORGED_PROXY.finding()
_GOOGLES = "ggpht.com"  # early forms of the agent end with it, later ones name the proxy as well
_MAIL_RU = "mail.ru_bot/img"  # says robot, and fetches pictures for those who read at Mail.ru
_CHECKS = re.compile(r"scanner|safe ?links|sandbox")
_GOOGLE, _GOOGLE_UNKNOWN = proxies.GOOGLE.finding(), proxies.GOOGLE_ADDRESS_UNKNOWN.finding()
_OTHER, _APPLE = proxies.OTHER.finding(), apple.EGRESS.finding()
_SCANNER = agents.DECLARED.finding(kind="scanner")


def find(hit: HitRecorded) -> Finding | None:
    """A finding where the claim is better or worse than it sounds; else None."""
    agent = hit.user_agent.lower()
    if _CHECKS.search(agent):
        return _SCANNER if agents.is_mail_program(hit.user_agent) else None
    if hit.endpoint is not Endpoint.PIXEL:
        return None
    network = None if hit.client_address is None else network_of(hit.client_address)
    if _GOOGLES in agent:
        return _googles(hit.client_address, network)
    if not agent and network == APPLE_PRIVACY:
        return _APPLE
    return _OTHER if _MAIL_RU in agent else None


def _googles(address: str | None, network: str | None) -> Finding | None:
    if address is None:
        return _GOOGLE_UNKNOWN
    if is_google(address):
        return _GOOGLE
    return _FORGED if network == "hosting" else None
