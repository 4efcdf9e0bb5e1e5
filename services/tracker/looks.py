"""How a fetch looks by itself: what agent, address, method and headers say, whatever else happened.

A pure function of what was fetched and by whom. The same proxies and readers come again and again, so the
latest answers are kept, with address and agent, in memory alone: the rules cost ten times what a look-up
does.
"""

from typing import NamedTuple

from services.tracker import verdict
from services.tracker.model import Finding
from services.tracker.rules.agents import is_apple_program, is_mail_program
from services.tracker.rules.headers import is_whole_visit
from services.tracker.rules.networks import client_of, is_ipv6
from services.tracker.rules.rule import Rule
from services.tracker.rules.rulesets import RuleSet
from shared.events.hits import Endpoint, HitRecorded

MOST = 4096  # looks to keep, of some kB each
_Key = tuple[object, ...]


class Look(NamedTuple):
    """The last fields of `Hit`, under the same names."""

    client: int
    browser: int
    address: int | None
    finding: Finding
    doubts: tuple[Rule, ...]
    by_mail_program: bool
    is_whole_visit: bool
    has_language: bool
    is_ipv6: bool


_known: dict[_Key, Look] = {}


def look_of(event: HitRecorded, rules: RuleSet) -> Look:
    """The look by these rules, without address and agent."""
    key = (
        rules.version,
        event.endpoint is Endpoint.PIXEL,
        event.method,
        event.user_agent,
        event.client_address,
        tuple(event.headers.items()),
    )
    look = _known.get(key)
    if look is None:
        if len(_known) >= MOST:
            _known.clear()
        look = _known[key] = _look(event, rules)
    return look


def _look(event: HitRecorded, rules: RuleSet) -> Look:
    finding = verdict.alone(event, rules)
    network = None if event.client_address is None else client_of(event.client_address)
    is_proxys = finding.evidence[0].rule.startswith("proxies.")
    return Look(
        hash((event.user_agent, None if is_proxys else network)),
        hash(event.user_agent),
        None if network is None or is_proxys else hash(network),
        finding,
        verdict.doubts(event, rules),
        is_mail_program(event.user_agent) or is_apple_program(event.user_agent),
        is_whole_visit(event),
        "accept-language" in event.headers,
        is_ipv6(event.client_address or ""),
    )
